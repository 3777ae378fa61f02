"""What may be a model's name, a version's number, an alias, a tag: MLflow's rules, each broken one an error of its own.

The rules are those of MLflow 3's `utils/validation.py`, in its order, so that its clients are refused what they
are used to being refused. Ours on top: half a surrogate pair and a zero character cannot be stored anywhere.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from noria.core.errors import BadInput, Conflict, NotFound

LONGEST_ALIAS = 255
LONGEST_TAG_NAME = 250
LONGEST_TAG_VALUE = 100_000
LONGEST_NAME = 256
LATEST = "latest"
"""No alias: it always means the version with the highest number."""
PROMPT_TEXT = "mlflow.prompt.text"
_LARGEST_NUMBER = 2**31 - 1
_ALIAS = re.compile(r"^[\w\-]*$")
_VERSION_ALIAS = re.compile(r"^[vV]\d+$")
_TAG_NAME = re.compile(r"^[/\w.\- :]*$")

Number = int | str
"""A version's number as a caller may give it."""


class MissingName(BadInput):
    """A name that is needed was not given. `parameter` says which."""

    code = "N5010"

    def __init__(self, parameter: str) -> None:
        super().__init__(f"a {parameter.replace('_', ' ')} is needed")
        self.parameter = parameter


class BadName(BadInput):
    """A name that cannot be one. `rule` is `separator`, `path`, `characters`, `length` or `text`."""

    code = "N5011"

    def __init__(self, parameter: str, name: str, rule: str, why: str) -> None:
        super().__init__(f"{parameter} {name[:80]!r} cannot be used: {why}")
        self.parameter, self.name, self.rule = parameter, name, rule


class BadAlias(BadInput):
    """Text that cannot be an alias. `rule` is `empty`, `characters`, `length`, `latest` or `version`."""

    code = "N5012"

    def __init__(self, alias: str, rule: str, why: str) -> None:
        super().__init__(f"alias {alias[:80]!r} cannot be used: {why}")
        self.alias, self.rule = alias, rule


class TooLong(BadInput):
    """A text longer than its limit, in characters."""

    code = "N5013"

    def __init__(self, parameter: str, limit: int, length: int) -> None:
        super().__init__(f"{parameter} has {length} characters and may have {limit}")
        self.parameter, self.limit = parameter, limit


class NoTagValue(BadInput):
    """A version's tag without a value."""

    code = "N5014"


class BadNumber(BadInput):
    """A version's number that is no integer."""

    code = "N5015"

    def __init__(self, given: object) -> None:
        super().__init__(f"a version is a whole number, not {str(given)[:80]!r}")
        self.given = given


class ModelExists(Conflict):
    """The name is taken. `was_prompt` and `is_prompt`: whether its holder and the newcomer are prompts."""

    code = "N5016"

    def __init__(self, name: str, *, was_prompt: bool, is_prompt: bool) -> None:
        super().__init__(f"there is a {'prompt' if was_prompt else 'model'} {name!r} already")
        self.name, self.was_prompt, self.is_prompt = name, was_prompt, is_prompt


class NameTaken(Conflict):
    """A model cannot be renamed to what another one is called."""

    code = "N5017"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a model {name!r} already", hint="delete or rename that one first")
        self.name = name


class ModelMissing(NotFound):
    """There is no registered model of that name."""

    code = "N5018"

    def __init__(self, name: str, known: list[str] | None = None) -> None:
        super().__init__("registered model", name, known)
        self.name = name


class VersionMissing(NotFound):
    """The model has no such version, or has it no more."""

    code = "N5019"

    def __init__(self, model: str, number: Number | None, known: list[str] | None = None) -> None:
        super().__init__(f"version of {model}", str(number), known)
        self.model, self.number = model, number


class AliasMissing(NotFound):
    """The model has no such alias."""

    code = "N5020"

    def __init__(self, model: str, alias: str, known: list[str] | None = None) -> None:
        super().__init__(f"alias of {model}", alias, known, hint=f"promote a version of {model} first")
        self.model, self.alias = model, alias


def check_model_name(name: str | None, parameter: str = "name", *, new: bool = False) -> str:
    """A model's name; a `new` one is not too long for the tables either. Raises MissingName, BadName, TooLong."""
    if name is None or not name.strip():
        raise MissingName(parameter)
    if "/" in name or ":" in name:
        raise BadName("name", name, "separator", "a model's name has no '/' and no ':'")
    if _not_a_file_name(name):
        raise BadName("name", name, "path", "it would lead elsewhere if it were a file's")
    check_text("name", name)
    if new and len(name) > LONGEST_NAME:
        raise TooLong("name", LONGEST_NAME, len(name))
    return name


def check_number(given: Number | None) -> int:
    """A version's number, given as a number or as text. Raises BadNumber."""
    try:
        number = int(given)  # type: ignore[arg-type]  # None is what the second line is for
    except (TypeError, ValueError):
        raise BadNumber(given) from None
    return number if abs(number) <= _LARGEST_NUMBER else -1  # none has a number that large: not found, no fault


def check_alias(alias: str | None, *, new: bool = False) -> str:
    """An alias; one that shall be `new` is not a reserved word either. Raises BadAlias, TooLong."""
    if not alias:
        raise BadAlias("", "empty", "it is empty")
    if not _ALIAS.match(alias) or alias.endswith("\n"):
        raise BadAlias(alias, "characters", "an alias has letters, digits, '_' and '-' only")
    if len(alias) > LONGEST_ALIAS:
        raise TooLong("Registered model alias name", LONGEST_ALIAS, len(alias))
    if new and alias.lower() == LATEST:
        raise BadAlias(alias, LATEST, "'latest' always means the highest version")
    if new and _VERSION_ALIAS.match(alias):
        raise BadAlias(alias, "version", "it looks like a version")
    return alias


def check_tag_name(name: str | None) -> str:
    """A tag's name. Raises MissingName, BadName."""
    if name is None:
        raise MissingName("key")
    if not _TAG_NAME.match(name):
        raise BadName("key", name, "characters", "it has letters, digits, '_', '-', '.', ':', ' ' and '/' only")
    if _not_a_file_name(name):
        raise BadName("key", name, "path", "it would lead elsewhere if it were a file's")
    return name


def check_tag(name: str | None, value: str | None, *, of_version: bool) -> tuple[str, str]:
    """A tag of a version or of a model, whose value may be missing. Raises NoTagValue, TooLong and as the name does."""
    name = check_tag_name(name)
    if value is None and of_version:
        raise NoTagValue(f"the tag {name!r} of a version needs a value")
    if len(name) > LONGEST_TAG_NAME:
        raise TooLong("key", LONGEST_TAG_NAME, len(name))
    if value is not None and len(value) > LONGEST_TAG_VALUE:
        raise TooLong("Prompt text" if of_version and name == PROMPT_TEXT else "value", LONGEST_TAG_VALUE, len(value))
    check_text(name, value or "")
    return name, value or ""


def check_tags(tags: Mapping[str, str], *, of_version: bool) -> dict[str, str]:
    """Several tags. Raises as one does."""
    return dict(check_tag(name, value, of_version=of_version) for name, value in tags.items())


def check_text(parameter: str, text: str | None, limit: int | None = None) -> str | None:
    """Text that can be stored anywhere. Raises BadName for a zero character or half a surrogate pair, TooLong."""
    if text is None:
        return None
    if "\x00" in text:
        raise BadName(parameter, text, "text", "it has a zero character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadName(parameter, ascii(text), "text", "it has half a surrogate pair") from None
    if limit is not None and len(text) > limit:
        raise TooLong(parameter, limit, len(text))
    return text


def _not_a_file_name(name: str) -> bool:
    normal = posixpath.normpath(name)
    return normal != name or normal == "." or normal.startswith(("..", "/"))
