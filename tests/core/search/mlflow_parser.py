"""Run by the interpreter that has MLflow: reads questions, one JSON line each, and answers what MLflow makes of them.

A question is `{"kind", "filter", "order_by"}`. The answer is `{"ok": true, "filter": [[entity, key, operator, value],
...], "order": [[entity, key, ascending], ...]}`, or `{"ok": false, "why"}`. Besides parsing, the text is put to
MLflow's own SQLite store (an empty one), because half of its refusals come from there.
"""
# ruff: noqa: E402

import json
import logging
import os
import sys
import tempfile

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
logging.disable(logging.CRITICAL)

from mlflow.entities import ViewType
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from mlflow.utils.search_logged_model_utils import parse_filter_string
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchModelUtils, SearchModelVersionUtils, SearchUtils

ENTITIES = {"parameter": "param", "metrics": "metric", "params": "param", "tags": "tag", "attributes": "attribute"}
PARSERS = {
    "runs": SearchUtils,
    "experiments": SearchExperimentsUtils,
    "registered_models": SearchModelUtils,
    "model_versions": SearchModelVersionUtils,
}


def parsed_filter(kind, text):
    """What the parser of this kind reads."""
    if kind == "logged_models":
        return [[c.entity.type.value, c.entity.key, c.op, c.value] for c in parse_filter_string(text)]
    return [[c["type"], c["key"], c["comparator"].upper(), c["value"]] for c in PARSERS[kind].parse_search_filter(text)]


def parsed_order(kind, clauses):
    """What the order parser of this kind reads; logged models are ordered by JSON, not by text."""
    if kind == "runs":
        return [SearchUtils.parse_order_by_for_search_runs(c) for c in clauses]
    if kind == "experiments":
        return [SearchExperimentsUtils.parse_order_by_for_search_experiments(c) for c in clauses]
    if kind == "registered_models":
        return [("attribute", *SearchUtils.parse_order_by_for_search_registered_models(c)) for c in clauses]
    if kind == "model_versions":
        return [SearchModelVersionUtils.parse_order_by_for_search_model_versions(c) for c in clauses]
    return []


def put_to_store(tracking, registry, kind, text, clauses):
    """Search the empty store, for its refusals."""
    if kind == "runs":
        tracking.search_runs(["0"], text, ViewType.ACTIVE_ONLY, max_results=5, order_by=clauses)
    elif kind == "experiments":
        tracking.search_experiments(ViewType.ACTIVE_ONLY, 5, text, clauses)
    elif kind == "registered_models":
        registry.search_registered_models(text, 5, clauses)
    elif kind == "model_versions":
        registry.search_model_versions(text, 5, clauses)
    else:
        tracking.search_logged_models(["0"], text, None, 5)


def answer(tracking, registry, question):
    """One question answered."""
    kind, text, clauses = question["kind"], question["filter"], question["order_by"]
    try:
        put_to_store(tracking, registry, kind, text, clauses)
        comparisons = [[ENTITIES.get(e, e), k, o, v] for e, k, o, v in parsed_filter(kind, text)]
        order = [[ENTITIES.get(e, e), k, a] for e, k, a in parsed_order(kind, clauses)]
    except Exception as error:
        return {"ok": False, "why": f"{type(error).__name__}: {error}"[:300]}
    return {"ok": True, "filter": comparisons, "order": order}


def main():
    """Answer lines until there are no more."""
    with tempfile.TemporaryDirectory() as folder:
        tracking = TrackingStore(f"sqlite:///{folder}/t.db", f"{folder}/artifacts")
        registry = RegistryStore(f"sqlite:///{folder}/t.db")
        print("ready", flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(tracking, registry, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
