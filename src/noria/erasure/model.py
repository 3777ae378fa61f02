"""What the erasure folder speaks of: whom to forget, what was done where, and the certificate of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict

ERASED = "[erased]"
"""What stands where a text of the subject stood, in records that must stay where they are."""


@dataclass(frozen=True)
class Subject:
    """Whom to forget: every row whose `column` holds `value`.

    `keys` are the values by which other rows name those rows: of each key column (such as `flight_id`) those of the
    subject's own rows. A training row or a prediction that has only such a key is the subject's, too.
    """

    column: str
    value: str
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.column or len(self.value) < 2:
            said = f"{self.column}={self.value} is too short to tell a person by"
            raise BadInput(said, hint="write COLUMN=VALUE, such as user=u-4711")

    def owns(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is the subject's."""
        found = row.get(self.column)
        if found is not None and str(found) == self.value:
            return True
        return any(str(row.get(column)) in values for column, values in self.keys.items() if column in row)

    def mentioned(self, text: str) -> bool:
        """Whether a text names the subject: its value stands in it, not as a part of a longer word or number."""
        return self.value in text and self._pattern.search(text) is not None

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![0-9A-Za-z]){re.escape(self.value)}(?![0-9A-Za-z])")

    def sealed(self, salt: str) -> str:
        """A digest that whoever knows the value can check, and nobody can read it from."""
        return hashlib.sha256(f"{salt}\0{self.column}\0{self.value}".encode()).hexdigest()


@dataclass(frozen=True)
class Place:
    """One file or table that held something of the subject: how many rows or values, and what was done with them."""

    kind: str
    name: str
    found: int
    done: str


@dataclass(frozen=True)
class Hit:
    """Something of the subject that is still there: the file, where in it, and what kind of thing it is."""

    file: str
    where: str


@dataclass(frozen=True)
class Certificate:
    """What was erased, when, by whom, and what a reading of every file afterwards found.

    `subject` is a salted digest: the certificate itself does not name the person. `models` are the versions that were
    trained on erased rows, as `name/version`; what they learnt of them is in their parameters until they are trained
    again. `remaining` are places that still name the subject, each with a reason; empty when all of it is gone.
    """

    id: str
    at: Micros
    actor: str
    column: str
    salt: str
    subject: str
    places: tuple[Place, ...]
    models: tuple[str, ...]
    read: int
    remaining: tuple[Hit, ...]
    dry_run: bool = False


class StillRunning(Conflict):
    """A server has files open that are to be rewritten."""

    code = "N4701"
