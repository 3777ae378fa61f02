"""What may be the name of an experiment, run, param, tag or metric, and how long a value may be.

The rules are those of MLflow 3's `utils/validation.py`, so that its clients are refused what they are used to being
refused, and cut short what they are used to. Ours on top: a zero character and half a surrogate pair cannot be
stored everywhere, so they are stored nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from noria.core.errors import BadInput

LONGEST_KEY = 250
LONGEST_PARAM = 6_000
LONGEST_TAG = 8_000
LONGEST_EXPERIMENT_NAME = 500
LONGEST_EXPERIMENT_TAG = 20_000
LONGEST_RUN_ID = 200
LONGEST_ACTOR = 256
LONGEST_ROOT = 2_048

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]
"""Names with values. As a sequence it may say a name twice."""

_CHARACTERS = re.compile(r"[/\w.\- :]*")
_KEY = re.compile(r"(?!\.{1,2}(?:/|\Z))[\w.\- :]+(?:/(?!\.{1,2}(?:/|\Z))[\w.\- :]+)*")
"""Segments of a path that stays where it is: none is empty, `.` or `..`."""
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BAD_IN_MODEL_NAME = "/:.%\"'"


class BadName(BadInput):
    """A name that cannot be one.

    `what` is the kind of thing named, `rule` is `missing`, `characters`, `path`, `length` or `text`, `limit` the
    most characters, `number` where among several it stood.
    """

    code = "N2202"

    def __init__(self, what: str, name: str, rule: str, limit: int = LONGEST_KEY, number: int = 0) -> None:
        why = {
            "missing": "a name is needed",
            "characters": "it has letters, digits, '_', '-', '.', ':', ' ' and '/' only",
            "path": "it would lead elsewhere if it were a file's",
            "length": f"it has {len(name)} characters and may have {limit}",
            "text": "it holds a zero character, half a surrogate pair, or is no text",
        }[rule]
        super().__init__(f"the name of {what} cannot be {name[:80]!r}: {why}")
        self.what, self.name, self.rule, self.limit, self.number = what, name, rule, limit, number


class BadValue(BadInput):
    """The value of a param, a tag or the like that cannot be kept. `limit` is None where length is not the matter."""

    code = "N2203"

    def __init__(self, what: str, name: str, limit: int | None = None, length: int = 0) -> None:
        why = f"it has {length} characters and may have {limit}" if limit else "it is no text that can be stored"
        super().__init__(f"the value of {what} {name[:80]!r} cannot be kept: {why}")
        self.what, self.name, self.limit = what, name, limit


class NamedTwice(BadInput):
    """Params that one batch gives twice; `names` says which."""

    code = "N2204"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"params are given twice in one batch: {', '.join(names)}", hint="a param has one value")
        self.names = names


def check_key(what: str, name: str, number: int = 0) -> str:
    """The name of a param, tag or metric. Raises BadName."""
    if not isinstance(name, str):
        raise BadName(what, str(name), "missing" if name is None else "text", number=number)
    if _KEY.fullmatch(name) is None:
        raise BadName(what, name, "path" if _CHARACTERS.fullmatch(name) else "characters", number=number)
    if len(name) > LONGEST_KEY:
        raise BadName(what, name, "length", number=number)
    return name


def check_keys(what: str, names: Iterable[str]) -> None:
    """Several names; the fault says which of them is meant. Each distinct name is looked at once."""
    ordered = names if isinstance(names, Sequence) else list(names)
    with suppress(TypeError):
        if all(_KEY.fullmatch(name) and len(name) <= LONGEST_KEY for name in set(ordered)):
            return
    for number, name in enumerate(ordered):
        check_key(what, name, number)


def check_text(what: str, name: str, value: str, limit: int | None = None) -> str:
    """A value that is kept whole. Raises BadValue."""
    if not isinstance(value, str) or not storable(value):
        raise BadValue(what, name)
    if limit is not None and len(value) > limit:
        raise BadValue(what, name, limit, len(value))
    return value


def params_of(pairs: Pairs) -> dict[str, str]:
    """Params by name, values cut to `LONGEST_PARAM`. Raises BadName, BadValue, NamedTwice."""
    found = _checked("param", pairs, LONGEST_PARAM)
    if len(found) < len(pairs):
        names = [name for name, _ in _as_pairs(pairs)]
        raise NamedTwice(sorted({name for name in names if names.count(name) > 1}))
    return found


def tags_of(pairs: Pairs) -> dict[str, str]:
    """Tags by name, values cut to `LONGEST_TAG`; of one given twice the last value. Raises BadName, BadValue."""
    return _checked("tag", pairs, LONGEST_TAG)


def given_tags_of(pairs: Pairs) -> dict[str, str]:
    """Tags that come with a new run. MLflow takes any name there, so only what no database can hold is refused."""
    found = {}
    for name, value in _as_pairs(pairs):
        check_title("tag", name, LONGEST_KEY)
        found[name] = check_text("tag", name, value)[:LONGEST_TAG]
    return found


def experiment_tags_of(pairs: Pairs) -> dict[str, str]:
    """Tags of an experiment, which are refused where they are too long. Raises BadName, BadValue."""
    for name, value in _as_pairs(pairs):
        check_text("tag", check_key("tag", name), value, LONGEST_EXPERIMENT_TAG)
    return dict(pairs)


def loose_of(what: str, pairs: Pairs, limit: int) -> dict[str, str]:
    """Values by name where MLflow looks at neither: any text up to `LONGEST_KEY` is a name, the last value stands.

    Values are cut to `limit`. Raises BadName, BadValue.
    """
    found = dict(pairs)
    for name, value in found.items():
        check_title(what, name, LONGEST_KEY)
        found[name] = check_text(what, name, value)[:limit]
    return found


def check_experiment_name(name: str) -> str:
    """Raises BadName."""
    return check_title("experiment", name, LONGEST_EXPERIMENT_NAME)


def check_title(what: str, name: str, limit: int) -> str:
    """A name for people: any text that is not empty and not too long. Raises BadName."""
    if not name:
        raise BadName(what, "", "missing", limit)
    if not isinstance(name, str) or not storable(name):
        raise BadName(what, str(name), "text", limit)
    if len(name) > limit:
        raise BadName(what, name, "length", limit)
    return name


def check_run_id(run: str) -> str:
    """The id that somebody wants for a new run. Raises BadName."""
    if not isinstance(run, str) or _RUN_ID.fullmatch(run) is None:
        raise BadName("run", str(run), "characters", LONGEST_RUN_ID)
    if len(run) > LONGEST_RUN_ID:
        raise BadName("run", run, "length", LONGEST_RUN_ID)
    return run


def check_model_name(name: str) -> str:
    """The name of a logged model. Raises BadName, whose rule `characters` covers an empty one too."""
    if not name or any(character in _BAD_IN_MODEL_NAME for character in name):
        raise BadName("logged model", name, "characters", LONGEST_EXPERIMENT_NAME)
    return check_title("logged model", name, LONGEST_EXPERIMENT_NAME)


def storable(text: str) -> bool:
    """Whether every database can hold the text.

    >>> storable("Zürich"), storable("a\\0b")
    (True, False)
    """
    if text.isascii():
        return "\0" not in text
    return _UNSTORABLE.search(text) is None


def _checked(what: str, pairs: Pairs, limit: int) -> dict[str, str]:
    found = dict(pairs)
    check_keys(what, found if isinstance(pairs, Mapping) else [name for name, _ in pairs])
    for name, value in found.items():
        check_text(what, name, value)
        if len(value) > limit:
            found[name] = value[:limit]
    return found


def _as_pairs(pairs: Pairs) -> Iterable[tuple[str, str]]:
    return pairs.items() if isinstance(pairs, Mapping) else pairs
