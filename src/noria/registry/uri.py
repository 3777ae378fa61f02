"""How people and programs name a version.

    models:/flights/3                          a version by its number
    models:/flights/Production                 the newest one in a stage of MLflow's
    models:/flights/latest                     the newest one
    models:/flights@champion                   where an alias points
    models:/flights@production?at=2013-06-01   where it pointed then (an ISO date or moment, UTC unless it says so)
    models:/m-0f3a...                          a logged model, before or without being registered
    flights    flights@production    flights@3    flights/3        the same for people; alone it means production

The forms with `models:/` are MLflow's own but for `?at=`, which works with each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from noria.core.clock import Micros, parse_moment
from noria.core.errors import BadInput
from noria.registry.model import PRODUCTION
from noria.registry.names import LATEST

SCHEME = "models:"
_AT = re.compile(r"\?at=(?P<moment>[^?]*)$")


class BadReference(BadInput):
    """Text that names no version in any of the forms there are."""

    code = "N5040"

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text[:200]!r} names no version: {why}",
            hint="write models:/NAME/NUMBER, models:/NAME/STAGE, models:/NAME@ALIAS or NAME@ALIAS, with ?at=2013-06-01",
        )
        self.text = text


@dataclass(frozen=True)
class Reference:
    """A version as it was named: by one of number, stage and alias, or (none of them) the newest; perhaps in the past.

    `logged_model` is set instead of everything else for a logged model.
    """

    model: str
    number: int | None = None
    stage: str | None = None
    alias: str | None = None
    at: Micros | None = None
    logged_model: str | None = None


def parse(text: str) -> Reference:
    """Read any of the forms. Raises BadReference.

    >>> parse("models:/flights@champion")
    Reference(model='flights', number=None, stage=None, alias='champion', at=None, logged_model=None)
    """
    rest, at = _moment(text)
    if rest.startswith(SCHEME):
        return _from_uri(text, rest.removeprefix(SCHEME), at)
    if ":" in rest:
        raise BadReference(text, f"{rest.partition(':')[0]!r} is no way to it; a registered model has no ':'")
    name, sign, pointer = rest.rpartition("@") if "@" in rest else rest.partition("/")[::1]
    if not sign:
        name, pointer = rest, PRODUCTION
    if not name.strip() or not pointer.strip() or "/" in pointer:
        raise BadReference(text, "a name or what comes after it is missing")
    if pointer.isdecimal():
        return Reference(name, number=int(pointer), at=at)
    if sign == "/":
        return _suffix(name, pointer, at)
    return Reference(name, alias=pointer, at=at)


def _from_uri(text: str, path: str, at: Micros | None) -> Reference:
    parts = path.lstrip("/").split("/")
    if not path.startswith("/") or path.startswith("//") or len(parts) > 2 or not parts[0].strip():
        raise BadReference(text, "after models: comes /NAME and one thing more")
    name = parts[0]
    if len(parts) == 2:
        if not parts[1].strip():
            raise BadReference(text, "nothing comes after the name's '/'")
        return _suffix(name, parts[1], at)
    if "@" not in name:
        return Reference("", at=at, logged_model=name)
    name, _, alias = name.rpartition("@")
    if not name.strip() or not alias.strip():
        raise BadReference(text, "a name or an alias is missing")
    return Reference(name, alias=alias, at=at)


def _suffix(name: str, suffix: str, at: Micros | None) -> Reference:
    if suffix.isdecimal():
        return Reference(name, number=int(suffix), at=at)
    if suffix.lower() == LATEST:
        return Reference(name, at=at)
    return Reference(name, stage=suffix, at=at)


def _moment(text: str) -> tuple[str, Micros | None]:
    found = _AT.search(text)
    if not found:
        return text, None
    try:
        return text[: found.start()], parse_moment(found["moment"])
    except ValueError:
        raise BadReference(text, f"{found['moment'][:40]!r} is no moment") from None
