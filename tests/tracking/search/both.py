"""Random searches in our tables and in MLflow's own store on the same random world: same refusals, same pages.

`test_against_mlflow.py` asks some hundreds. As a script it asks more: `python tests/tracking/search/both.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2] / "core" / "search"))

import mirror
import worlds
from questions import a_filter, an_order, leave_out, swallowed

from noria.core.errors import BadInput
from noria.core.search.model import Kind
from noria.core.search.parser import parse_filter
from noria.registry.search import search_model_versions, search_registered_models
from noria.stores.pages import Found
from noria.testing.rivals import python
from noria.testing.workspace import make_workspace
from noria.tracking.search.experiments import search_experiments
from noria.tracking.search.logged_models import search_logged_models
from noria.tracking.search.runs import search_runs
from noria.workspace.workspace import Workspace

KINDS: tuple[Kind, ...] = ("runs", "runs", "runs", "runs", "experiments", "registered_models", "model_versions",
                           "logged_models")  # fmt: skip


class MlflowStore:
    """MLflow's store in a process of its own, filled with a world; `names` are those it gave."""

    def __init__(self, world: dict[str, Any]) -> None:
        script = Path(__file__).parent / "mlflow_store.py"
        self._process = subprocess.Popen(
            [python("mlflow"), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.names = self.ask(world)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Both:
    """One world in MLflow's store and in ours."""

    def __init__(self, seed: int) -> None:
        self.world = worlds.world(Random(seed))
        self.mlflow = MlflowStore(self.world)
        self.random = Random(seed + 1)

    def workspace(self, path: Path, database: str | None = None) -> Workspace:
        """A workspace that holds the world."""
        ws = make_workspace(path, database=database)
        mirror.write(ws, self.world, self.mlflow.names)
        return ws

    def close(self) -> None:
        """End MLflow's process."""
        self.mlflow.close()

    def question(self) -> dict[str, Any]:
        """A search of any kind, one in ten with a broken text."""
        kind = self.random.choice(KINDS)
        asked = worlds.search(self.random, kind, self.mlflow.names)
        if self.random.random() < 0.1:
            asked["filter"] = a_filter(self.random, kind)
            if kind != "logged_models":
                asked["order_by"] = an_order(self.random, kind)
        texts = [asked["filter"], *(each for each in asked["order_by"] if isinstance(each, str))]
        return self.question() if any(map(leave_out, texts)) else asked

    def difference(self, ws: Workspace, asked: dict[str, Any]) -> str | None:
        """How our answer differs from MLflow's, if it does."""
        theirs = self.mlflow.ask(asked)
        mine = _ours(ws, asked, self.mlflow.names)
        if "refused" in theirs and "refused" in mine:
            return None
        if mine == theirs or ("refused" in mine and _is_swallowed(theirs, asked)):
            return None
        return f"{asked}\n  ours   {mine}\n  MLflow {theirs}"


def _is_swallowed(theirs: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether MLflow took a comparison for a part of a key: what comes before IS or IN without an AND between."""
    return "refused" not in theirs and swallowed([asked["filter"].replace(" AND ", "").partition(" I")[0]])


def _ours(ws: Workspace, asked: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    pages: list[Any] = []
    token: str | None = None
    try:
        if extensions := parse_filter(asked["kind"], asked["filter"]).extensions:
            return {"refused": f"MLflow has no {extensions}"}
        while len(pages) < asked["pages"] and (token or not pages):
            found = _search(ws, asked, token)
            pages.append([_named(asked["kind"], key, names) for key in found.keys])
            token = found.next_token
    except BadInput as refusal:
        return {"refused": str(refusal)}
    return {"pages": pages, "more": bool(token)}


def _search(ws: Workspace, asked: dict[str, Any], token: str | None) -> Found[Any]:
    text, order, limit = asked["filter"], asked["order_by"], asked["limit"]
    if asked["kind"] == "runs":
        return search_runs(ws, asked["experiments"], text, order, stage=asked["stage"], limit=limit, token=token)
    if asked["kind"] == "experiments":
        return search_experiments(ws, text, order, stage=asked["stage"], limit=limit, token=token)
    if asked["kind"] == "logged_models":
        sets = asked["datasets"] or ()
        return search_logged_models(ws, asked["experiments"], text, order, sets, limit=limit, token=token)
    if asked["kind"] == "registered_models":
        return search_registered_models(ws, text, order, limit=limit, token=token)
    return search_model_versions(ws, text, order, limit=limit, token=token)


def _named(kind: Kind, key: Any, names: dict[str, Any]) -> Any:
    if kind in ("runs", "logged_models"):
        return names[kind][key - 1]
    return list(key) if kind == "model_versions" else key


def main() -> None:
    """Ask `--count` questions about worlds of 1,000 questions each, and tell where we differ."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--count", type=int, default=10_000)
    reader.add_argument("--seed", type=int, default=1)
    given = reader.parse_args()
    asked = different = refused = 0
    for seed in range(given.seed, given.seed + max(1, given.count // 1000)):
        pair = Both(seed)
        with tempfile.TemporaryDirectory() as folder:
            ws = pair.workspace(Path(folder))
            for _ in range(min(1000, given.count)):
                question = pair.question()
                difference = pair.difference(ws, question)
                asked += 1
                refused += "refused" in _ours(ws, question, pair.mlflow.names)
                if difference:
                    different += 1
                    print(difference, flush=True)
            ws.close()
        pair.close()
        print(
            f"world {seed}: {asked} searches asked, {refused} refused by both, {different} answered differently",
            flush=True,
        )


if __name__ == "__main__":
    main()
