"""Random filters and orders: right ones, nearly right ones, and right ones with something broken in them.

`leave_out` and `swallowed` name the few things in which we differ from MLflow on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random

from noria.core.search.model import Kind

KINDS: tuple[Kind, ...] = ("runs", "experiments", "registered_models", "model_versions", "logged_models")

_ENTITIES = {
    "runs": "metric metrics param params parameter parameters tag tags attribute attributes attr run dataset datasets",
    "experiments": "attribute tag tags",
    "registered_models": "attribute tag tags",
    "model_versions": "attribute tag tags",
    "logged_models": "attributes metrics params tags",
}
_ATTRIBUTES = {
    "runs": "run_id run_name status artifact_uri user_id start_time end_time created Created `run%name`",
    "experiments": "name experiment_id creation_time last_update_time",
    "registered_models": "name timestamp last_updated_timestamp creation_timestamp",
    "model_versions": "name version_number run_id source_path creation_timestamp last_updated_timestamp",
    "logged_models": "name model_id model_type status source_run_id creation_time creation_timestamp "
    "last_updated_timestamp creation_timestamp_ms last_updated_timestamp_ms experiment_id",
}
_KEYS = (
    "auc loss a a.b mlflow.user mlflow.runName val_loss `val/loss` `a b` 'x-y' \"p.q\" 1a _z é Max select from in "
    "`mlflow.prompt.is_prompt` a-b a:b a/b name digest context 2x x2.3y 12x * `` a[0] f(x) lr."
)
_NUMBERS = "0 1 -1 0.5 .5 5. -0.25 1e3 1E-3 1.5e2 1e+3 100 1.2.3 0x1F - 1_000 +1 12a 99999999999999999999 inf nan"
_TEXTS = ["'a'", "'b'", '"a"', "'A%'", "'%a%'", "'a_'", "''", '""', "'it''s'", '"it\'s"', "'say \"x\"'", "'true'",
          "'false'", "'1'", "'10'", "'x y'", "'a\\'", "a", "`a`", "'é'", '"a"."b"']  # fmt: skip
_OPERATORS = "= = = != != < <= > >= LIKE LIKE ILIKE like Ilike == <> ~ => IN RLIKE"
_NULLS = ["IS NULL", "IS NOT NULL", "is null", "is Not null", "IS  NULL", "IS NOT  NULL"]
_LISTS = ["('a')", "('a','b')", "('a', \"b\",)", "()", "(1)", "('1', '2')", "(('a','b'))", "('a' 'b')", "['a']", "('a'",
          "('it''s')", "(a)", "( 'a' )", "('\\x41')"]  # fmt: skip
_JUNK = ["AND", "OR", "NOT", "(", ")", ",", ";", "'", '"', "`", ".", "=", "--", "/*", "# ", "\t", "\n", "\u00a0", "%",
         "IS", "NULL", "NOT NULL", "IN", "1", "x", "[", "]", "*", "!", "-", "+", "$", "?", ":", "\\", "é", "日", "||",
         "@"]  # fmt: skip
_ALONE = ["", " ", "AND", "  AND  and ", "x", "= 1", "()", "NOT", "\n", "metrics", "a = b = c", "null"]


def leave_out(text: str) -> bool:
    """What we refuse on purpose although MLflow reads it, by accident of its tokenizer."""
    return bool(
        "\0" in text
        or re.search(r"(?i)::|->|[´?]|\b(asc|desc)\b|\$", text)  # casts, JSON, placeholders, `key ASC = 1`
        or re.search(r"(?i)(=|like)\s*\w*\(\s*[\dx]", text)  # name = (1), name = f(1)
        or re.search(r"\([^)]*;", text)  # f( ; x) as a key
        or re.search(r"\.\w+`\s", text)  # a` b`: two names that quotes glue together
        or re.search(r"\.\s+\w", text)  # a blank after the dot, where MLflow's tokenizer knows 800 words by heart
    )


def swallowed(keys: Iterable[str]) -> bool:
    """Whether MLflow read a whole comparison as a part of a key: `tags.a = 'x' tags.b IS NULL` without its AND."""
    return any(re.search(r"[\s=<>~!]", key) for key in keys)


def a_filter(random: Random, kind: Kind) -> str:
    """One filter, more often right than wrong."""
    if random.random() < 0.03:
        return random.choice(_ALONE)
    count = random.choice((1, 1, 1, 2, 2, 3))
    joint = random.choice((" AND ", " AND ", " AND ", " and ", " And\n", " ", " AND AND ", "AND", " OR "))
    text = joint.join(_comparison(random, kind) for _ in range(count))
    if random.random() < 0.1:
        text = random.choice(("({})", "NOT {}", " {} ", "AND {}", "{} AND", "{};", "({}) AND {}")).replace("{}", text)
    return _broken(random, text) if random.random() < 0.25 else text


def an_order(random: Random, kind: Kind) -> list[str]:
    """Some keys to order by."""
    if kind == "logged_models":
        return []
    return [_order_term(random, kind) for _ in range(random.choice((0, 0, 1, 1, 2, 3)))]


def _words(text: str) -> list[str]:
    return [word.replace("%", " ") for word in text.split(" ") if word]


def _key(random: Random, kind: Kind) -> str:
    if random.random() < 0.4:
        return random.choice(_words(_ATTRIBUTES[kind]))
    entity = random.choice(_words(_ENTITIES[kind]))
    if random.random() < 0.05:
        entity = random.choice(("Metrics", "`metrics`", "`tags`", '"tags"', "tags ", "foo", "run"))
    names = _ATTRIBUTES[kind] if entity.startswith(("attr", "run")) else _KEYS
    key = random.choice(names.split()).replace("%", " ")
    if random.random() < 0.05:
        key = random.choice(('"{}"', "`{}`", "'{}'", " {}", "{}.z", '{}."q r"')).replace("{}", key)
    return f"{entity}.{key}"


def _comparison(random: Random, kind: Kind) -> str:
    key = _key(random, kind)
    roll = random.random()
    if roll < 0.08:
        return f"{key} {random.choice(_NULLS)}"
    if roll < 0.2:
        return f"{key} {random.choice(('IN ', 'NOT IN ', 'in', 'Not In ', 'IN', '= '))}{random.choice(_LISTS)}"
    numeric = key.startswith("metric") or "time" in key or "version" in key or "reated" in key
    value = random.choice(_NUMBERS.split() if numeric != (random.random() < 0.1) else _TEXTS)
    if random.random() < 0.6 and numeric:
        operator, value = random.choice(("=", "!=", "<", ">=")), random.choice(("1", "0.5", "-2", "3"))
    else:
        operator = random.choice(_OPERATORS.split())
    space = random.choice((" ", " ", " ", "", "  ", "\n"))
    if operator[-1].isalpha():
        space = space or " "
    return f"{key}{space}{operator}{space}{value}"


def _order_term(random: Random, kind: Kind) -> str:
    key = _key(random, kind)
    text = key + random.choice(("", "", " ASC", " DESC", " desc", "  asc", " Desc", " DESC NULLS LAST", " x", " "))
    return _broken(random, text) if random.random() < 0.15 else text


def _broken(random: Random, text: str) -> str:
    place = random.randrange(len(text) + 1)
    roll = random.random()
    if roll < 0.3:
        return text[:place] + text[place + random.choice((1, 1, 2, 5)) :]
    if roll < 0.7:
        space = random.choice(("", " "))
        return text[:place] + space + random.choice(_JUNK) + space + text[place:]
    other = random.randrange(len(text) + 1)
    return text[:place] + text[min(place, other) : max(place, other)] + text[place:]
