"""Many models in one server: copies of the tiny airline's, which differ in name alone, or in what they were trained on.

A server process when run as a script: `many_airlines.py ROOT MODELS MEMORY [graph]`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import tiny_airline
from tiny_airline import INPUTS

from noria.optimization.operations import save_package
from noria.registry.model import Lineage, Version
from noria.registry.operations import promote, register
from noria.serving.graphs.model import GraphSpec, StepSpec
from noria.serving.model import LoadRules, ServedModel
from noria.serving.running import run_data_plane
from noria.validation.model import Evaluation, GateSheet
from noria.workspace.workspace import Workspace

SEEDS = 3
BOTH = GraphSpec("both", "ensemble", (StepSpec("m000", "m000"), StepSpec("m001", "m001")), "max")


def names(models: int) -> list[str]:
    return [f"m{number:03d}" for number in range(models)]


def served(models: Sequence[str], load: LoadRules | None = None) -> dict[str, ServedModel]:
    """Those models, on demand unless something else is said."""
    return {name: ServedModel(INPUTS, load=load or LoadRules(on_demand=True)) for name in models}


def add_models(ws: Workspace, models: Sequence[str]) -> None:
    """One version of each in production; the seed of the model in place n is n modulo SEEDS."""
    for number, name in enumerate(models):
        add_version_of(ws, name, number % SEEDS)


def add_version_of(ws: Workspace, name: str, seed: int) -> Version:
    """One more version of a model, in production."""
    made, blobs = tiny_airline.packaged(seed)
    for blob in blobs:
        ws.blobs.put(blob)
    version = register(
        ws, model=name, package=made, package_digest=save_package(ws, made), profile=None,
        evaluation=Evaluation(600, 0, 1, {}, {}), gates=GateSheet(()),
        lineage=Lineage(f"run_{name}_{seed}", {}, {}, {}, {}, {}, "", seed), stage="candidate",
        idempotency=f"{name} {seed}",
    )  # fmt: skip
    return promote(ws, name, version.number, reason="test")


def main() -> None:
    ws = tiny_airline.workspace(Path(sys.argv[1]))
    models, memory = int(sys.argv[2]), int(sys.argv[3])
    run_data_plane(
        ws, served(names(models)), tiny_airline.FUNCTIONS, port=0, memory=memory,
        graphs=[BOTH] if "graph" in sys.argv else [],
        on_ready=lambda url: print(url, flush=True),
    )  # fmt: skip
    ws.close()


if __name__ == "__main__":
    main()
