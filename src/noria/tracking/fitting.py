"""Foreign names and values made to fit our rules, so that nothing is refused for its spelling; what changed is told."""

from __future__ import annotations

import re
from collections.abc import Mapping

from noria.core.digest import digest_bytes
from noria.tracking.names import LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG

_ODD = re.compile(r"[^/\w.\- :]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 5


class Fitted:
    """Remembers, for one run, what each foreign name became, and what was cut."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str]] = {}
        self._taken: dict[str, set[str]] = {}
        self.cut: dict[str, str] = {}

    def name(self, kind: str, given: str) -> str:
        """The name of a param, tag or metric as it can be kept: always the same for the same one, never another's."""
        known = self._names.setdefault(kind, {})
        if given not in known:
            taken = self._taken.setdefault(kind, set())
            fitted = _shortened(_respelled(given), given)
            if fitted in taken:
                fitted = _shortened(fitted, given, marked=True)
            taken.add(fitted)
            known[given] = fitted
        return known[given]

    def params(self, values: Mapping[str, str]) -> dict[str, str]:
        """Params as they can be kept."""
        return self._texts("param", values, LONGEST_PARAM)

    def tags(self, values: Mapping[str, str]) -> dict[str, str]:
        """Tags as they can be kept."""
        return self._texts("tag", values, LONGEST_TAG)

    @property
    def renamed(self) -> dict[str, dict[str, str]]:
        """What was spelled otherwise, by kind: our name of each foreign one."""
        changed = {kind: {a: b for a, b in names.items() if a != b} for kind, names in self._names.items()}
        return {kind: names for kind, names in changed.items() if names}

    def notes(self) -> list[str]:
        """What people should know of it."""
        told = []
        for kind, names in self.renamed.items():
            shown = ", ".join(f"{a[:60]!r} is {b[:60]!r}" for a, b in list(names.items())[:_SHOWN])
            told.append(f"{len(names)} names of {kind}s are spelled otherwise here: {shown}")
        if self.cut:
            told.append(
                f"{len(self.cut)} values were cut, the whole ones are files: {', '.join(list(self.cut)[:_SHOWN])}"
            )
        return told

    def _texts(self, kind: str, values: Mapping[str, str], limit: int) -> dict[str, str]:
        found = {}
        straight = sorted(values, key=lambda name: _respelled(name) != name)  # who needs no change keeps the name
        for given in straight:
            name, text = self.name(kind, given), storable_text(values[given])
            if len(text) > limit:
                self.cut[f"{kind} {name}"] = text
                text = text[:limit]
            found[name] = text
        return found


def storable_text(text: str) -> str:
    """Text without what no database can hold, which is replaced by U+FFFD."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


def _respelled(name: str) -> str:
    parts = _ODD.sub("_", storable_text(name)).split("/")
    return "/".join("_" if part in ("", ".", "..") else part for part in parts)


def _shortened(fitted: str, given: str, *, marked: bool = False) -> str:
    if len(fitted) <= LONGEST_KEY and not marked:
        return fitted
    mark = digest_bytes(given.encode(errors="surrogatepass"))[:8]
    return f"{fitted[: LONGEST_KEY - 9]}-{mark}"
