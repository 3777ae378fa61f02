"""When two servers gave the same answers although their ids differ.

An id of one server stands for one id of the other: which, is settled by the first answer that names both in the same
place, and holds from then on. An answer that differs settles nothing, so one difference does not make others.
"""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

Answers = dict[str, Any]
ID = re.compile(r"<id (m-)?[^>]*>")


class Pairing:
    """Which id of theirs is which of ours, as far as answers have shown."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}

    def same(self, theirs: Any, ours: Any) -> bool:
        """Whether two answers are the same; if so, the ids in them are known to each other from now on."""
        if blank(theirs) != blank(ours):
            return False
        pairs = list(zip(ids(theirs), ids(ours), strict=True))
        forth, back = dict(pairs), {mine: their for their, mine in pairs}
        for their, mine in pairs:
            if self._ours.get(their, forth[their]) != mine or self._theirs.get(mine, back[mine]) != their:
                return False
        self._ours |= forth
        self._theirs |= back
        return True


def blank(answer: Any) -> str:
    """An answer as JSON without its ids."""
    return ID.sub(lambda found: "<model>" if found[1] else "<id>", text(answer))


def ids(answer: Any) -> Iterator[str]:
    """The ids in an answer, in order."""
    return (found.group() for found in ID.finditer(text(answer)))


def text(answer: Any) -> str:
    return json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False)


def differing(theirs: Answers, ours: Answers) -> list[str]:
    """Calls that were not answered alike, in the order they were made."""
    pairing = Pairing()
    return [name for name in theirs | ours if not pairing.same(theirs.get(name), ours.get(name))]


def told(name: str, theirs: Any, ours: Any) -> str:
    """A difference for a reader."""
    lines = [blank(one).splitlines() for one in (theirs, ours)]
    if lines[0] == lines[1]:
        return f"\n{name}\n  the same but for ids, which do not go together with those before"
    found = difflib.unified_diff(*lines, "mlflow", "noria", n=2, lineterm="")
    return f"\n{name}\n" + "\n".join(line[:400] for line in list(found)[2:40])
