"""Other people's tools, each in a throw-away virtual environment, for tests and benchmarks that stand beside them."""

from __future__ import annotations

from pathlib import Path

from noria.config.environment import environment

ROOT = Path(__file__).resolve().parents[3]
"""The repository."""


def folder() -> Path:
    """Where the environments are: the folder named by NORIA_RIVALS, else `.rivals` in the repository."""
    return Path(environment().get("NORIA_RIVALS") or ROOT / ".rivals")


def python(name: str) -> Path:
    """The interpreter of the environment `name`: mlflow, mlflow2, skinny, trackers.

    Raises FileNotFoundError saying how to make it: a comparison that cannot be made fails, it is never skipped.
    """
    path = folder() / name / "bin" / "python"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: make it with `make rivals`")
    return path
