"""Noria's stages and MLflow's four: which one a client of MLflow sees, and what its word means to us.

| Noria | MLflow |
|---|---|
| candidate, refused | None |
| rollout | Staging |
| production | Production |
| retired, rolled back | Archived |
"""

from __future__ import annotations

from typing import Literal

from noria.core.errors import BadInput
from noria.registry.model import Stage

MlflowStage = Literal["None", "Staging", "Production", "Archived"]
ALL: tuple[MlflowStage, ...] = ("None", "Staging", "Production", "Archived")
ACTIVE: tuple[MlflowStage, ...] = ("Staging", "Production")
"""The stages whose earlier holders a transition may archive."""
DELETED = "deleted"
"""The stage in the database of a version that was deleted: its number is never used again, and nobody sees it."""

_SHOWN: dict[str, MlflowStage] = {
    "candidate": "None", "refused": "None", "rollout": "Staging", "production": "Production",
    "retired": "Archived", "rolled back": "Archived",
}  # fmt: skip
_MEANT: dict[MlflowStage, Stage] = {
    "None": "candidate", "Staging": "rollout", "Production": "production", "Archived": "retired",
}  # fmt: skip


class UnknownStage(BadInput):
    """A word that is none of MLflow's four stages."""

    code = "N5021"

    def __init__(self, stage: str) -> None:
        super().__init__(f"{stage[:80]!r} is no stage", hint=f"there are: {', '.join(ALL)}")
        self.stage = stage


class NotActiveStage(BadInput):
    """Only a transition to Staging or Production can archive the versions that were there."""

    code = "N5022"

    def __init__(self, stage: str) -> None:
        super().__init__(f"going to {stage!r} archives nothing", hint=f"only {' and '.join(ACTIVE)} have one holder")
        self.stage = stage


def canonical_stage(word: str) -> MlflowStage:
    """MLflow's stage by its name in any case. Raises UnknownStage.

    >>> canonical_stage("pRoduction")
    'Production'
    """
    found = next((stage for stage in ALL if stage.lower() == word.lower()), None)
    if found is None:
        raise UnknownStage(word)
    return found


def shown(stage: str) -> MlflowStage:
    """What MLflow calls one of our stages."""
    return _SHOWN[stage]


def meant(stage: MlflowStage) -> Stage:
    """Which of our stages a version enters when MLflow names one of its."""
    return _MEANT[stage]


def standing_as(stage: MlflowStage) -> tuple[str, ...]:
    """Our stages that MLflow shows as one of its."""
    return tuple(ours for ours, theirs in _SHOWN.items() if theirs == stage)
