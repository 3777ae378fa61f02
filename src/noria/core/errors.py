"""Every error a user can meet, with a stable code, what was asked, and what to do next.

    NoriaError                       catch this for "anything Noria refused or could not do"
    ├── BadInput            N1400    the caller gave something wrong: a row, a file, a request, an argument
    │   └── FaultyInput     N1401    the same, many faults told at once (a declaration, a TOML file)
    ├── NotFound            N1404    a name that does not exist; carries what does
    ├── Conflict            N1409    true when asked, but somebody else has changed it since
    ├── Corrupt             N1500    bytes that are not what their digest or checksum says
    ├── Unavailable         N1503    a store is away; nothing was acknowledged, ask again
    ├── StorageFull         N1507    a disk or quota is full; nothing was acknowledged
    └── Lost                N2101    another worker holds this work now; stop at once

Folders subclass these beside the idea they belong to, with a code of their own. The ranges: 10xx core and
config, 20xx stores, 21xx runtime, 22xx tracking, 30xx data, 31xx features, 40xx training, 41xx validation,
42xx optimization, 50xx registry, 60xx serving, 61xx monitoring, 62xx rollout, 63xx retraining, 70xx project,
80xx command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from noria.core.suggest import closest


class NoriaError(Exception):
    """Base of the tree.

    `message` says what was asked and what is the matter; `hint` says what to do next. `code` is stable
    across releases, so it may be searched for, documented and matched on. `status` is the HTTP status that
    a server answers with when the error reaches a client.
    """

    code = "N1000"
    status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text}\n  → {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str]:
        """The error as a JSON object: code, message and hint."""
        return {"code": self.code, "error": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes as they are, whatever they were made of."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[NoriaError], args: tuple[Any, ...], state: dict[str, Any]) -> NoriaError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class BadInput(NoriaError):
    """The caller gave something that cannot be used; the same call will fail again."""

    code = "N1400"
    status = 400


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong, and where: `place` is a path such as `flights.toml: lateness.values.max_iter`."""

    place: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class FaultyInput(BadInput):
    """Several faults of one document, told together so that they can be mended in one go."""

    code = "N1401"

    def __init__(self, what: str, faults: Iterable[Fault], *, hint: str = "") -> None:
        self.faults: Sequence[Fault] = tuple(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{what} has {len(self.faults)} {noun}:\n{lines}", hint=hint)


class NotFound(NoriaError):
    """A name that does not exist. Built from what was asked and what exists, if that is known, so it can suggest.

    >>> print(NotFound("model", "latness", ["lateness", "weather"]))
    [N1404] there is no model 'latness'; there are: lateness, weather
      → did you mean 'lateness'?
    """

    code = "N1404"
    status = 404

    def __init__(self, kind: str, name: str, options: Iterable[str] | None = None, *, hint: str = "") -> None:
        known = sorted(options or ())
        listed = "" if options is None else f"; there is no {kind} at all yet"
        if known:
            listed = f"; there are: {', '.join(known[:20])}" + (", ..." if len(known) > 20 else "")
        guess = closest(name, known)
        super().__init__(
            f"there is no {kind} {name!r}{listed}",
            hint=hint or (f"did you mean {guess!r}?" if guess else ""),
        )


class Conflict(NoriaError):
    """Somebody else changed it between our reading and our writing; read again and decide again."""

    code = "N1409"
    status = 409


class Corrupt(NoriaError):
    """Stored bytes are not what their digest says. Never used, never repaired silently."""

    code = "N1500"


class Unavailable(NoriaError):
    """A store or service is away. Nothing was acknowledged; the same call may succeed later."""

    code = "N1503"
    status = 503


class StorageFull(NoriaError):
    """The disk or quota is full. Nothing was acknowledged; free room and ask again."""

    code = "N1507"
    status = 507


class Lost(NoriaError):
    """The lease on a piece of work has passed to another worker: stop, write nothing more."""

    code = "N2101"
    status = 409
