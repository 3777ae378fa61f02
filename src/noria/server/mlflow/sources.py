"""What may be the source of a model version: a security boundary.

Whoever registers a version names where its files lie, and whoever loads it later fetches them from there. So a source
must lie within the run or logged model that the request names, a source on this server's own storage within its
artifacts, and none may have a relative part, however often it is percent-encoded.

The rules are those of MLflow 3.17's `_validate_source_run`, `_validate_source_model` and
`_resolve_registered_model_source_lineage`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from noria.config.environment import environment
from noria.core.errors import NoriaError
from noria.registry import registered_models, resolving
from noria.registry.uri import Reference, parse
from noria.server.mlflow.faults import invalid
from noria.tracking import logged_models, runs
from noria.tracking.located import RunMissing
from noria.tracking.model_metrics import LoggedModelMissing
from noria.workspace.workspace import Workspace

PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
"""What clients give as the source of a prompt's version, which has no files."""

HOSTS = frozenset({"http", "https", "ftp", "sftp", "mlflow-artifacts", "hdfs", "viewfs", "r2", "b2", "abfss"})
"""Schemes that name a host: whoever reads from there asks any machine that a client named."""
ALLOWED = "MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES"
"""The variable of the environment, MLflow's own, that allows some of these schemes after all."""
_MOST_DECODINGS = 10
_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")


@dataclass(frozen=True)
class Source:
    """Where a version's files lie, and the run and logged model that made them; None is what was not said."""

    text: str
    run: str | None = None
    model: str | None = None


def check_prompt(source: Source) -> None:
    """Raises Refused for a prompt's source that is none of those that stand for no files."""
    if source.text not in PROMPT_SOURCES:
        raise invalid(f"Invalid prompt source: '{source.text}'. Prompt sources must use an MLflow placeholder.")


def check_host(parameter: str, parts: SplitResult) -> None:
    """Raises Refused for an address that names a host where only storage may be named."""
    scheme = parts.scheme
    if scheme not in HOSTS or (scheme == "mlflow-artifacts" and not parts.netloc):
        return
    if scheme in re.split(r"[,\s]+", environment().get(ALLOWED, "").lower()):
        return
    raise invalid(
        f"'{parameter}' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other than the"
        " tracking server's configured artifact storage, so the server would connect to the host named in the URI."
        f" Set the {ALLOWED} environment variable on the server to allow it."
    )


def checked(ws: Workspace, source: Source) -> Source:
    """A source that may be used; run and model of the version it copies come along. Raises Refused, and as NoriaError
    what is not there.
    """
    parts = _split(source)
    check_host("source", parts)
    if parts.scheme == "models":
        source = _of_registry(ws, source, parts)
        parts = _split(source)
    if _is_local(source, parts):
        _check_local(ws, source, parts)
        return source
    _check_absolute(source)
    by = "model_id" if source.model else "run_id"
    if parts.scheme == "runs":
        _check_runs(source, parts)
    elif parts.scheme == "models":
        _check_models(source, parts)
    elif parts.scheme == "mlflow-artifacts":
        root = _root(ws, source)
        if root is None or not _within(parts, urlsplit(root)):
            _refuse(source, by)
    return source


def _split(source: Source) -> SplitResult:
    if "\x00" in source.text:
        _refuse_relative(source)
    try:
        return urlsplit(source.text)
    except ValueError:
        _refuse_relative(source)


def _of_registry(ws: Workspace, source: Source, parts: SplitResult) -> Source:
    """A source that names a registered version: by its number, with its run and logged model."""
    if parts.netloc:
        raise invalid(
            f"Invalid model version source: '{source.text}'. Registered model sources must use the active model"
            " registry."
        )
    named = _reference(source)
    if named.logged_model is not None:
        return source
    if registered_models.get_model(ws, named.model).is_prompt:
        raise invalid(
            f"Invalid model version source: '{source.text}'. Prompt versions cannot be used as model version sources."
        )
    version = resolving.find(ws, named)
    other_run = source.run is not None and source.run != (version.run or "")
    other_model = source.model is not None and source.model != (version.logged_model or "")
    if other_run or other_model:
        raise invalid(
            f"Invalid model version source: '{source.text}'. The run_id and model_id request parameters must match"
            " the referenced model version."
        )
    return Source(f"models:/{version.model}/{version.number}", version.run, version.logged_model)


def _reference(source: Source) -> Reference:
    try:
        found = parse(source.text)
    except NoriaError:
        _refuse(source, "model_id")
    if found.at is not None:
        _refuse(source, "model_id")
    return found


def _is_local(source: Source, parts: SplitResult) -> bool:
    return parts.scheme in ("", "file") or _DRIVE.match(source.text) is not None or source.text.startswith("\\\\")


def _check_local(ws: Workspace, source: Source, parts: SplitResult) -> None:
    """A path on somebody's disk: only below the folder of the run or model that is named, and never out of it."""
    root = _root(ws, source) or ""
    at = urlsplit(root)
    inside = at.scheme in ("", "file") and root and not _leads_elsewhere(source.text) and "\\" not in source.text
    if not inside or not _below(_names(parts.path), _names(at.path)) or parts.netloc not in ("", "localhost"):
        by = "model_id" if source.model else "run_id"
        raise invalid(
            f"Invalid model version source: '{source.text}'. To use a local path as a model version source, the {by}"
            " request parameter has to be specified and the local path has to be contained within the artifact"
            f" directory of the run specified by the {by}."
        )


def _check_absolute(source: Source) -> None:
    text = _decoded(source.text)
    path = re.sub(r"/+", "/", urlsplit(text).path.rstrip("/")) if text is not None else ""
    if text is None or _leads_elsewhere(source.text) or not path.startswith("/") or posixpath.normpath(path) != path:
        _refuse_relative(source)


def _check_runs(source: Source, parts: SplitResult) -> None:
    named = _names(parts.path)
    if source.model:
        _refuse(source, "model_id")
    if parts.netloc or not source.run or not named or named[0] != source.run:
        _refuse(source, "run_id")


def _check_models(source: Source, parts: SplitResult) -> None:
    if parts.netloc:
        _refuse(source, "model_id")
    named = _reference(source)
    if named.logged_model is not None and (not source.model or named.logged_model != source.model):
        _refuse(source, "model_id")


def _root(ws: Workspace, source: Source) -> str | None:
    """Where the artifacts of the logged model or run lie that a request names."""
    try:
        if source.model:
            return logged_models.get_logged_model(ws, source.model).artifact_root
        return runs.get_run(ws, source.run).artifact_root if source.run else None
    except LoggedModelMissing:
        _refuse(source, "model_id")
    except RunMissing:
        _refuse(source, "run_id")


def _within(source: SplitResult, root: SplitResult) -> bool:
    same = source.scheme == root.scheme and source.netloc.lower() == root.netloc.lower()
    return same and _below(_names(source.path), _names(root.path))


def _below(names: tuple[str, ...], root: tuple[str, ...]) -> bool:
    return bool(root) and names[: len(root)] == root


def _names(path: str) -> tuple[str, ...]:
    """The parts of a path, decoded until nothing is left to decode."""
    return tuple(_decoded(part) or part for part in path.split("/") if part)


def _leads_elsewhere(text: str) -> bool:
    """Whether any way of reading a source has a relative part or a zero character in it."""
    for plus in (False, True):
        whole = _decoded(text, plus=plus)
        if whole is None or "\x00" in whole or ".." in re.split(r"[/\\?#]", whole):
            return True
    return False


def _decoded(text: str, *, plus: bool = False) -> str | None:
    """Text decoded until nothing is left to decode; None when there is no end of it."""
    for _ in range(_MOST_DECODINGS):
        further = unquote_plus(text) if plus else unquote(text)
        if further == text:
            return text
        text = further
    return None


def _refuse(source: Source, by: str) -> NoReturn:
    raise invalid(
        f"Invalid model version source: '{source.text}'. The {by} request parameter must identify the resource that"
        " contains the source."
    )


def _refuse_relative(source: Source) -> NoReturn:
    raise invalid(
        f"Invalid model version source: '{source.text}'. If supplying a source as an http, https, local file path, ftp,"
        " objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references"
        " present. Please provide an absolute path."
    )
