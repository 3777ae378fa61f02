"""What each of the five searches allows: words for its parts, attributes, operators, order keys.

`Rule.mlflow` are the operators that MLflow takes; the others of the type are ours, and are named in
`Parsed.extensions` when they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from noria.core.search.model import Entity, Kind

NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
NULLNESS = frozenset({"IS NULL", "IS NOT NULL"})
MEMBERSHIP = frozenset({"IN", "NOT IN"})
EQUALITY = frozenset({"=", "!="})
LIKENESS = EQUALITY | {"LIKE", "ILIKE"}
TEXTUAL = LIKENESS | MEMBERSHIP | NULLNESS | {"NOT LIKE", "NOT ILIKE"}


class Type(Enum):
    """What stands on the right side, and which operators go with it."""

    NUMBER = ("a number", NUMERIC | NULLNESS)
    MOMENT = ("a number of milliseconds", NUMERIC | NULLNESS)
    INTEGER = ("a whole number", NUMERIC | NULLNESS)
    VERSION = ("a whole number, quoted or not", NUMERIC | NULLNESS)
    IDENTITY = ("a quoted whole number", EQUALITY | MEMBERSHIP)
    TEXT = ("a quoted text", TEXTUAL)
    LOOSE_NUMBER = ("a number, also inf or nan", NUMERIC)
    LOOSE_TEXT = ("a text, quoted or not", TEXTUAL)

    @property
    def says(self) -> str:
        return self.value[0]

    @property
    def operators(self) -> frozenset[str]:
        return self.value[1]


class Naming(Enum):
    """How the left side is read: which parts of it may be quoted, and which words may stand before the dot."""

    RUNS = "runs"
    EXPERIMENTS = "experiments"
    REGISTRY = "registry"
    LOGGED_MODELS = "logged models"


@dataclass(frozen=True)
class Rule:
    """What may be compared with one key."""

    type: Type
    mlflow: frozenset[str]


@dataclass(frozen=True)
class Grammar:
    """One search. `attributes` by their names; `aliases` are other names of them, which only stand without a prefix
    where `prefixed` says otherwise. `entities` gives the words before the dot, `keyed` the rules of what has free keys.
    """

    kind: Kind
    naming: Naming
    entities: Mapping[str, Entity]
    attributes: Mapping[str, Rule]
    keyed: Mapping[Entity, Rule]
    orderable: frozenset[str]
    order_entities: frozenset[Entity] = frozenset({"attribute"})
    aliases: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, Rule] = field(default_factory=dict)
    case_matters: bool = False

    def rule(self, entity: Entity, key: str) -> Rule:
        """What may be compared with this key."""
        if entity == "attribute":
            return self.attributes[key]
        return self.datasets[key] if entity == "dataset" else self.keyed[entity]


_TEXT = Rule(Type.TEXT, LIKENESS)
_NUMBER = Rule(Type.NUMBER, NUMERIC)
_MOMENT = Rule(Type.MOMENT, NUMERIC)
_INTEGER = Rule(Type.INTEGER, NUMERIC)
_MEMBER = Rule(Type.TEXT, LIKENESS | MEMBERSHIP)
_NULLABLE = Rule(Type.TEXT, LIKENESS | NULLNESS)
_LOOSE = Rule(Type.LOOSE_TEXT, LIKENESS | MEMBERSHIP)
_LOOSE_NUMBER = Rule(Type.LOOSE_NUMBER, NUMERIC)

_TAGGED: Mapping[str, Entity] = {"attribute": "attribute", "tag": "tag", "tags": "tag"}

RUNS = Grammar(
    kind="runs",
    naming=Naming.RUNS,
    entities={
        "metric": "metric", "metrics": "metric",
        "parameter": "param", "parameters": "param", "param": "param", "params": "param",
        "tag": "tag", "tags": "tag",
        "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
        "dataset": "dataset", "datasets": "dataset",
    },
    attributes={
        "run_id": _MEMBER, "run_name": _TEXT, "status": _TEXT, "artifact_uri": _TEXT, "user_id": _TEXT,
        "start_time": _MOMENT, "end_time": _MOMENT,
    },
    keyed={"metric": _NUMBER, "param": _NULLABLE, "tag": _NULLABLE},
    orderable=frozenset({"run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time",
                         "created", "Created"}),
    order_entities=frozenset({"attribute", "metric", "param", "tag"}),
    aliases={"created": "start_time", "Created": "start_time",
             "run name": "run_name", "Run name": "run_name", "Run Name": "run_name"},
    datasets={"name": _MEMBER, "digest": _MEMBER, "context": _MEMBER},
)  # fmt: skip

EXPERIMENTS = Grammar(
    kind="experiments",
    naming=Naming.EXPERIMENTS,
    entities=_TAGGED,
    attributes={
        "name": _TEXT,
        "experiment_id": Rule(Type.IDENTITY, EQUALITY | MEMBERSHIP),
        "creation_time": _INTEGER,
        "last_update_time": _INTEGER,
    },
    keyed={"tag": _NULLABLE},
    orderable=frozenset({"name", "experiment_id", "creation_time", "last_update_time"}),
    case_matters=True,
)

REGISTERED_MODELS = Grammar(
    kind="registered_models",
    naming=Naming.REGISTRY,
    entities=_TAGGED,
    attributes={"name": _MEMBER},
    keyed={"tag": _TEXT},
    orderable=frozenset({"name", "timestamp", "last_updated_timestamp"}),
    aliases={"timestamp": "last_updated_timestamp"},
)

MODEL_VERSIONS = Grammar(
    kind="model_versions",
    naming=Naming.REGISTRY,
    entities=_TAGGED,
    attributes={
        "name": _MEMBER,
        "run_id": _MEMBER,
        "source_path": _TEXT,
        "version_number": Rule(Type.VERSION, NUMERIC),
    },
    keyed={"tag": _TEXT},
    orderable=frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"}),
)

LOGGED_MODELS = Grammar(
    kind="logged_models",
    naming=Naming.LOGGED_MODELS,
    entities={"attributes": "attribute", "metrics": "metric", "params": "param", "tags": "tag"},
    attributes={
        "name": _LOOSE, "model_id": _LOOSE, "model_type": _LOOSE, "status": _LOOSE, "source_run_id": _LOOSE,
        "experiment_id": _LOOSE, "artifact_location": _LOOSE, "lifecycle_stage": _LOOSE, "status_message": _LOOSE,
        "creation_timestamp_ms": _LOOSE_NUMBER, "last_updated_timestamp_ms": _LOOSE_NUMBER,
    },
    keyed={"metric": _LOOSE_NUMBER, "param": _LOOSE, "tag": _LOOSE},
    orderable=frozenset({
        "name", "model_id", "model_type", "status", "source_run_id", "experiment_id", "artifact_location",
        "lifecycle_stage", "status_message", "creation_timestamp_ms", "last_updated_timestamp_ms",
        "creation_time", "creation_timestamp", "last_updated_timestamp",
    }),
    order_entities=frozenset({"attribute", "metric"}),
    aliases={"creation_time": "creation_timestamp_ms", "creation_timestamp": "creation_timestamp_ms",
             "last_updated_timestamp": "last_updated_timestamp_ms"},
)  # fmt: skip

GRAMMARS: Mapping[Kind, Grammar] = {
    grammar.kind: grammar for grammar in (RUNS, EXPERIMENTS, REGISTERED_MODELS, MODEL_VERSIONS, LOGGED_MODELS)
}


def extension(operator: str) -> str:
    """How an operator is named that MLflow does not take at this place."""
    if operator in NULLNESS:
        return "is null"
    return "in on a string" if operator in MEMBERSHIP else operator.lower()
