"""A small world of experiments, runs, models and versions with many ties, and random searches in it."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from noria.core.search.model import Kind

METRICS = ("auc", "loss", "val/loss", "a b")
VALUES = (-1.5, 0.0, 0.5, 0.5, 1.0, 2.0, 3.0, math.nan, math.inf, -math.inf, 1e-9)
PARAMS = ("lr", "model", "p.q", "e mpty")
TEXTS = ("a", "b", "A", "ab", "aB", "10", "x_y", "x%y", "[a]", "a*", "é", "it''s", "a\\b", "true", "FINISHED")
TAGS = ("team", "note", "mlflow.user")
STATES = ("RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED")
PROMPT = "mlflow.prompt.is_prompt"


def world(random: Random, runs: int = 90) -> dict[str, Any]:
    """As JSON. Times are milliseconds from a small range, so that many are equal."""
    experiments = [_experiment(random, number) for number in range(6)]
    experiments[0]["stage"] = experiments[1]["stage"] = experiments[2]["stage"] = "active"
    return {
        "began": _time(random),
        "experiments": experiments,
        "runs": [_run(random) for _ in range(runs)],
        "logged_models": [_logged_model(random, runs) for _ in range(40)],
        "registered_models": [_registered_model(random, number) for number in range(14)],
    }


def _time(random: Random) -> int:
    return 1_700_000_000_000 + random.randrange(12)


def _texts(random: Random, names: tuple[str, ...]) -> dict[str, str]:
    return {name: random.choice(TEXTS) for name in names if random.random() < 0.6}


def _experiment(random: Random, number: int) -> dict[str, Any]:
    name = f"{random.choice(TEXTS)}-{number}"
    return {"name": name, "tags": _texts(random, TAGS), "stage": random.choice(("active", "active", "deleted")),
            "created": _time(random), "updated": _time(random)}  # fmt: skip


def _run(random: Random) -> dict[str, Any]:
    points = []
    for metric in METRICS:
        count = random.choice((0, 1, 1, 1, 3))
        points += [(metric, repr(random.choice(VALUES)), _time(random), random.randrange(3)) for _ in range(count)]
    datasets = {(random.choice("AB"), random.choice("12")): random.choice((None, "train", "eval"))
                for _ in range(random.choice((0, 0, 1, 2)))}  # fmt: skip
    return {
        "experiment": random.choice((0, 0, 0, 1, 2)),
        "name": random.choice(TEXTS) + random.choice(("", "-run")),
        "user": random.choice(("ann", "bob", "Ann")),
        "status": random.choice(STATES),
        "stage": random.choice(("active", "active", "active", "deleted")),
        "start_time": _time(random),
        "end_time": random.choice((None, _time(random), _time(random))),
        "tags": _texts(random, TAGS),
        "params": _texts(random, PARAMS),
        "points": points,
        "datasets": [(name, digest, context) for (name, digest), context in datasets.items()],
    }


def _logged_model(random: Random, runs: int) -> dict[str, Any]:
    metrics = {}
    for _ in range(random.choice((0, 1, 2, 4))):
        key = (random.choice(METRICS), _time(random), random.randrange(2), random.randrange(runs))
        value = random.choice([value for value in VALUES if math.isfinite(value)])
        metrics[key] = (value, random.choice((None, "A", "B")), random.choice("12"))
    return {
        "experiment": random.choice((0, 0, 1)),
        "name": random.choice(("a", "b", "net", "Net")),
        "kind": random.choice((None, "Agent", "agent", "tree")),
        "run": random.choice((None, random.randrange(runs))),
        "status": random.choice((1, 2, 2, 3)),
        "stage": random.choice(("active", "active", "active", "deleted")),
        "created": _time(random),
        "updated": _time(random),
        "tags": _texts(random, TAGS),
        "params": _texts(random, PARAMS),
        "metrics": [
            (name, value, at, step, run, dataset, digest if dataset else None)
            for (name, at, step, run), (value, dataset, digest) in metrics.items()
        ],
    }


def _registered_model(random: Random, number: int) -> dict[str, Any]:
    prompt = random.random() < 0.3
    tags = _texts(random, TAGS) | ({PROMPT: random.choice(("true", "true", "TRUE"))} if prompt else {})
    versions = [_version(random, prompt) for _ in range(random.randrange(5))]
    name = f"{random.choice(TEXTS)}-{number}"
    return {"name": name, "tags": tags, "created": _time(random), "updated": _time(random), "versions": versions}


def _version(random: Random, prompt: bool) -> dict[str, Any]:
    return {
        "source": f"s3://bucket/{random.choice(TEXTS)}",
        "run": random.choice((None, "r1", "r2", "R1")),
        "tags": _texts(random, TAGS) | ({PROMPT: "true"} if prompt and random.random() < 0.8 else {}),
        "deleted": random.random() < 0.1,
        "created": _time(random),
        "updated": _time(random),
    }


def search(random: Random, kind: Kind, names: dict[str, Any]) -> dict[str, Any]:
    """A search of one kind; `names` are those that MLflow gave to what it wrote."""
    count = random.choice((0, 1, 1, 1, 2, 2, 3))
    conditions = [_condition(random, kind, names) for _ in range(count)]
    asked = {"kind": kind, "filter": random.choice((" AND ", " and ")).join(conditions),
             "limit": random.choice((1, 3, 7, 20, 50, 1000)), "pages": random.choice((1, 2, 30))}  # fmt: skip
    asked["stage"] = random.choice(("active", "active", "active", "all", "deleted"))
    few = names["experiments"][: random.choice((1, 1, 2, 3))]
    asked["experiments"] = few if random.random() < 0.97 else []
    asked["order_by"] = _order(random, kind)
    asked["datasets"] = _datasets(random)
    return asked


def _datasets(random: Random) -> list[dict[str, str]] | None:
    if random.random() < 0.7:
        return None
    return [{"dataset_name": name, **({"dataset_digest": random.choice("12")} if random.random() < 0.5 else {})}
            for name in random.sample("ABC", random.choice((1, 2)))]  # fmt: skip


def _order(random: Random, kind: Kind) -> list[Any]:
    terms = []
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        if kind == "logged_models":
            terms.append(_model_order(random))
        else:
            key = random.choice(_ORDER_KEYS[kind])
            terms.append(key + random.choice(("", " ASC", " DESC", " desc")))
    return terms


def _model_order(random: Random) -> dict[str, Any]:
    name = random.choice(("metrics.auc", "metrics.loss", "metrics.val/loss", "name", "creation_time", "model_type",
                          "last_updated_timestamp", "status", "source_run_id", "model_id"))  # fmt: skip
    term: dict[str, Any] = {"field_name": name, "ascending": random.random() < 0.5}
    if name.startswith("metrics") and random.random() < 0.4:
        term["dataset_name"] = random.choice("AB")
        if random.random() < 0.5:
            term["dataset_digest"] = random.choice("12")
    return term


_ORDER_KEYS: dict[str, list[str]] = {
    "runs": ["metrics.auc", "metrics.auc", "metrics.loss", "metrics.`val/loss`", "metrics.nobody", "params.lr",
             "params.`e mpty`", "tags.team", "tags.`mlflow.user`", "start_time", "created", "end_time", "status",
             "run_name", "run_id", "user_id", "attributes.start_time"],
    "experiments": ["name", "experiment_id", "creation_time", "last_update_time", "attribute.name"],
    "registered_models": ["name", "timestamp", "last_updated_timestamp"],
    "model_versions": ["name", "version_number", "creation_timestamp", "last_updated_timestamp"],
}  # fmt: skip


def _text(random: Random) -> str:
    roll = random.random()
    if roll < 0.1:
        text = random.choice(("%", "_", "%a%", "a_", "_%", "%[a]%", "%*", "x\\_y", "%é", "É", "A%", "%-run", "%''%"))
    else:
        text = random.choice(TEXTS)
    return f'"{text}"' if random.random() < 0.2 else f"'{text}'"


def _text_test(random: Random, key: str, *, members: bool = False, nulls: bool = False) -> str:
    roll = random.random()
    if members and roll < 0.25:
        listed = ", ".join(f"'{random.choice(TEXTS[:7])}'" for _ in range(random.choice((1, 2, 4))))
        return f"{key} {random.choice(('IN', 'NOT IN'))} ({listed})"
    if nulls and roll < 0.2:
        return f"{key} {random.choice(('IS NULL', 'IS NOT NULL'))}"
    return f"{key} {random.choice(('=', '!=', 'LIKE', 'ILIKE'))} {_text(random)}"


def _number_test(random: Random, key: str, values: tuple[Any, ...]) -> str:
    return f"{key} {random.choice(('=', '!=', '<', '<=', '>', '>='))} {random.choice(values)}"


_NUMBERS = ("0", "0.5", "1", "-1.5", "2.", "3", "1e-9", "1e308", "-1e309", "1e309")


def _moment(random: Random) -> tuple[Any, ...]:
    at = _time(random)
    return (at, at, 0, -1, 9223372036854775807)


def _condition(random: Random, kind: Kind, names: dict[str, Any]) -> str:
    if kind == "runs":
        return _run_condition(random, names)
    if kind == "logged_models":
        return _model_condition(random, names)
    if random.random() < 0.45:
        key = f"{random.choice(('tag', 'tags'))}.{random.choice(('team', 'note', '`mlflow.user`', 'nobody'))}"
        if kind != "experiments" and random.random() < 0.3:
            value = random.choice(("true", "false", "TRUE", "%"))
            return f"tags.`{PROMPT}` {random.choice(('=', '!=', 'LIKE'))} '{value}'"
        return _text_test(random, key, nulls=kind == "experiments" or random.random() < 0.1)
    if kind == "experiments":
        roll = random.random()
        if roll < 0.3:
            ids = [f"'{each}'" for each in names["experiments"]] + ["'0'", "'77'"]
            some = ", ".join(random.sample(ids, 3))
            return random.choice((f"experiment_id IN ({some})", f"experiment_id NOT IN ({some})",
                                  f"experiment_id != {ids[0]}", f"experiment_id = {ids[1]}"))  # fmt: skip
        if roll < 0.6:
            return _number_test(random, random.choice(("creation_time", "last_update_time")), _moment(random))
        return (
            f"name {random.choice(('=', '!=', 'LIKE', 'ILIKE'))} '{random.choice(TEXTS)}{random.choice(('%', '-1'))}'"
        )
    if kind == "registered_models" or random.random() < 0.4:
        name = f"{random.choice(TEXTS)}{random.choice(('%', '-%', '-1', '_2'))}"
        return random.choice(
            (f"name LIKE '{name}'", f"name != '{name}'", f"name ILIKE '{name}'", f"name IN ('{name}')")
        )
    if random.random() < 0.5:
        return _number_test(random, "version_number", ("1", "2", "'3'", "0"))
    key = random.choice(("run_id", "source_path"))
    value = (
        random.choice(("r1", "R1", "r%")) if key == "run_id" else "s3://bucket/" + random.choice(("a", "A", "%", "_"))
    )
    return f"{key} {random.choice(('=', '!=', 'LIKE', 'ILIKE'))} '{value}'"


def _run_condition(random: Random, names: dict[str, Any]) -> str:
    roll = random.random()
    if roll < 0.35:
        key = random.choice(("metrics.auc", "metric.loss", "metrics.`val/loss`", 'metrics."a b"', "metrics.nobody"))
        return _number_test(random, key, _NUMBERS)
    if roll < 0.55:
        key = random.choice(("params.lr", "param.model", "parameters.p.q", "params.`e mpty`", "params.nobody"))
        return _text_test(random, key, nulls=True)
    if roll < 0.7:
        return _text_test(
            random, f"tags.{random.choice(('team', 'note', 'mlflow.user', 'mlflow.runName'))}", nulls=True
        )
    if roll < 0.8:
        key = random.choice(("dataset.name", "datasets.digest", "dataset.context"))
        value = random.choice(("A", "B", "1", "train", "eval", "%a%", "a"))
        test = random.choice((f"= '{value}'", f"!= '{value}'", f"LIKE '{value}'", f"ILIKE '{value}'",
                              f"IN ('{value}', '2')", f"NOT IN ('{value}')"))  # fmt: skip
        return f"{key} {test}"
    if roll < 0.87:
        return _number_test(random, random.choice(("start_time", "end_time", "created")),
                            (*_moment(random), f"{_time(random)}.5", "1e309"))  # fmt: skip
    if roll < 0.93:
        some = ", ".join(f"'{each}'" for each in random.sample(names["runs"], random.choice((1, 3, 9))))
        return f"run_id {random.choice(('IN', 'NOT IN'))} ({some})"
    key = random.choice(("run_name", "status", "user_id", "run.status", "attributes.`run name`"))
    return f"{key} {random.choice(('=', '!=', 'LIKE', 'ILIKE'))} '{random.choice((*TEXTS, *STATES, 'ann', 'a%'))}'"


def _model_condition(random: Random, names: dict[str, Any]) -> str:
    roll = random.random()
    if roll < 0.35:
        return _number_test(random, random.choice(("metrics.auc", "metrics.loss", "metrics.`val/loss`")),
                            (*_NUMBERS, "inf", "nan"))  # fmt: skip
    if roll < 0.6:
        key = random.choice(("params.lr", "params.p.q", "tags.team", "tags.nobody"))
        return _text_test(random, key, members=True, nulls=random.random() < 0.1).replace('"', "'")
    if roll < 0.7:
        return _number_test(random, random.choice(("creation_time", "last_updated_timestamp")), _moment(random))
    if roll < 0.8:
        return f"status {random.choice(('= ', '!= ', 'IN ', 'NOT IN '))}('2')".replace("= ('2')", "= '2'")
    if roll < 0.87:
        some = ", ".join(f"'{each}'" for each in random.sample(names["logged_models"], 3))
        return f"model_id {random.choice(('IN', 'NOT IN'))} ({some})"
    key, value = random.choice((("name", "net"), ("name", "N%"), ("model_type", "agent"), ("attributes.name", "a")))
    return f"{key} {random.choice(('=', '!=', 'LIKE', 'ILIKE'))} '{value}'"
