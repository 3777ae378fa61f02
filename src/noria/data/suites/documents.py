"""Suites as JSON documents, those of Great Expectations 1.x and 0.x: read, and written as they were found.

What nobody here knows (keys, types of expectation, severities) is kept to the letter and written again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noria.core.errors import Fault, FaultyInput
from noria.data.suites.model import BadSuite, Expectation, Severity, Suite

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest document that is read."""

DEEPEST = 100
"""How many objects may lie in each other."""

_NAMES = {"1.x": ("name", "type", "suite_parameters"),
          "0.x": ("expectation_suite_name", "expectation_type", "evaluation_parameters")}  # fmt: skip


class FaultySuite(FaultyInput):
    """A suite with expectations that are none; every one is told."""

    code = "N3053"


def read_suite(path: Path) -> Suite:
    """The suite in a file. Raises BadSuite, FaultySuite."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadSuite(f"{path.name} has more than {LARGEST >> 20} MiB", hint="a suite is a list of expectations")
        return parse_suite(path.read_bytes(), path.name)
    except FileNotFoundError:
        hint = "make one with `noria check infer TABLE -o suite.json`"
        raise BadSuite(f"there is no file {path}", hint=hint) from None
    except OSError as error:
        raise BadSuite(f"{path} cannot be read: {error.strerror}") from error


def parse_suite(content: bytes | str, name: str = "the suite") -> Suite:
    """The suite in a JSON text. Raises BadSuite when it is none, FaultySuite with all that is wrong inside."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadSuite(f"{name} is not JSON: {error}", hint="it must be a suite of expectations") from error
    return suite_of(document, name)


def suite_of(document: Any, name: str = "the suite") -> Suite:
    """The suite that a JSON document is. Raises BadSuite, FaultySuite."""
    if not isinstance(document, Mapping) or not isinstance(document.get("expectations"), list):
        raise BadSuite(f"{name} is no suite: it must be an object with a list of `expectations`",
                       hint='such as {"name": "trips", "expectations": [{"type": "expect_column_to_exist", '
                            '"kwargs": {"column": "id"}}]}')  # fmt: skip
    _shallow(document, name)
    dialect = "0.x" if "expectation_suite_name" in document or "data_asset_type" in document else "1.x"
    naming, _, parameters = _NAMES[dialect]
    faults: list[Fault] = []
    expectations = [_expectation(one, place, faults) for place, one in enumerate(document["expectations"])]
    if faults:
        raise FaultySuite(name, faults)
    return Suite(
        name=str(document.get(naming) or name.removesuffix(".json")),
        expectations=tuple(one for one in expectations if one),
        parameters=_mapping(document.get(parameters)),
        meta=_mapping(document.get("meta")),
        document={key: None if key == "expectations" else value for key, value in document.items()},
        dialect=dialect,
    )


def _expectation(found: Any, place: int, faults: list[Fault]) -> Expectation | None:
    where = f"expectations[{place}]"
    if not isinstance(found, Mapping):
        faults.append(Fault(where, f"is no object: {found!r:.60}"))
        return None
    type_ = found.get("type", found.get("expectation_type"))
    if not isinstance(type_, str) or not type_:
        faults.append(Fault(where, "has no `type`", "such as expect_column_values_to_not_be_null"))
        return None
    if not isinstance(found.get("kwargs", {}), Mapping):
        faults.append(Fault(f"{where}.kwargs", f"is no object: {found['kwargs']!r:.60}"))
        return None
    return Expectation(type_, found.get("kwargs", {}), _severity(found), _mapping(found.get("meta")), found)


def _severity(found: Mapping[str, Any]) -> Severity:
    try:
        return Severity(str(found.get("severity") or Severity.CRITICAL).lower())
    except ValueError:
        return Severity.CRITICAL  # nobody here knows how bad it is, so it is taken for bad


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _shallow(document: Any, name: str) -> None:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [one for outer in level for one in _inner(outer)]
        if not level:
            return
    raise BadSuite(f"{name} has objects in objects more than {DEEPEST} deep")


def _inner(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def document_of(suite: Suite, dialect: str | None = None) -> dict[str, Any]:
    """The suite as a JSON document, in its own dialect unless another is asked for.

    A suite that was read and not changed gives the document it was read from.
    """
    dialect = dialect or suite.dialect
    naming, typing, parameters = _NAMES[dialect]
    expectations = [_written(one, typing) for one in suite.expectations]
    if suite.document and dialect == suite.dialect:
        return {key: expectations if key == "expectations" else value for key, value in suite.document.items()}
    written: dict[str, Any] = {naming: suite.name}
    if dialect == "0.x":
        written["data_asset_type"] = None
    written |= {"expectations": expectations, "meta": dict(suite.meta)}
    written |= {parameters: dict(suite.parameters)} if suite.parameters else {}
    kept = {key: value for key, value in suite.document.items() if key not in _KNOWN}
    return written | kept


_KNOWN = frozenset([*(name for names in _NAMES.values() for name in names), "expectations", "meta", "data_asset_type"])


def _written(one: Expectation, typing: str) -> dict[str, Any]:
    if one.document:
        renamed = {typing if key in ("type", "expectation_type") else key: value for key, value in one.document.items()}
        return {**renamed, "kwargs": one.kwargs} if "kwargs" in renamed or one.kwargs else renamed
    written = {typing: one.type, "kwargs": dict(one.kwargs), "meta": dict(one.meta)}
    return written if typing == "expectation_type" else {**written, "severity": str(one.severity)}


def dump_suite(suite: Suite, dialect: str | None = None) -> str:
    """The suite as JSON text."""
    return json.dumps(document_of(suite, dialect), indent=2, ensure_ascii=False) + "\n"
