"""What tracking and the registry refuse, in the words that MLflow's clients match on.

Each error says what it is about in its fields; here is only the sentence. What is not listed keeps Noria's own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any, TypeVar

from noria.core.errors import NoriaError
from noria.registry import names as registry
from noria.registry.model import InUse
from noria.registry.sources import SourceMissing
from noria.registry.stages import ALL, NotActiveStage, UnknownStage
from noria.registry.webhooks import BadWebhook, WebhookMissing
from noria.server.mlflow.faults import (
    ABSENT,
    EXISTS,
    INTERNAL,
    INVALID,
    Refused,
    absent,
    invalid,
    invalid_value,
    missing,
    too_long,
)
from noria.stores.pages import BadToken
from noria.tracking.artifact_paths import BadPath
from noria.tracking.artifact_tree import ArtifactMissing
from noria.tracking.experiments import ExperimentExists, ExperimentMissing, NotActive, TagMissing
from noria.tracking.inputs import BadDataset
from noria.tracking.located import RunMissing
from noria.tracking.model_metrics import LoggedModelMissing
from noria.tracking.names import BadName, BadValue, NamedTwice
from noria.tracking.params import ParamChanged
from noria.tracking.runs import TwoNames

E = TypeVar("E", bound=NoriaError)

_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and"
    " slashes (/)."
)
_LENGTHS = {"metric": "Metric name", "param": "Param key", "experiment": "name", "run": "run_name"}
_LISTS = {"metric": "metrics", "param": "params", "tag": "tags"}
_WORDS: dict[type[NoriaError], Callable[[Any], NoriaError]] = {}


def reworded(error: NoriaError) -> NoriaError:
    """The error as the protocol words it, or as it is."""
    words = next((_WORDS[kind] for kind in type(error).__mro__ if kind in _WORDS), None)
    return error if words is None else words(error)


def bad_name(error: BadName, place: str = "") -> Refused:
    """A name that cannot be one. `place` is the list in which it stood, when it stood in one."""
    field = "name" if error.what in ("metric", "experiment") else "key"
    path = f"{place}[{error.number}].{field}" if place else field
    if error.rule == "missing":
        return missing(path)
    if error.rule == "length":
        return too_long(_LENGTHS.get(error.what, path), error.limit)
    if error.what == "logged model":
        return invalid(
            f"Invalid model name ({error.name!r}) provided. Model name must be a non-empty string and cannot contain"
            " the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )
    if error.what == "run":
        return invalid(invalid_value("run_id", error.name))
    return invalid(invalid_value(path, error.name, not_a_name(error.name, error.rule)))


def not_a_name(name: str, rule: str) -> str:
    """Why a text is no name: because of its characters, because of where it would lead, or as no database keeps it."""
    if rule == "path":
        return (
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as"
            f" such. This name would resolve to {posixpath.normpath(name)!r}"
        )
    return _CHARACTERS if rule == "characters" else "It holds a zero character or half a surrogate pair."


def in_lists(error: BadName) -> Refused:
    """`bad_name` for a batch, whose lists are named after what they hold."""
    return bad_name(error, _LISTS.get(error.what, ""))


def params_changed(error: ParamChanged) -> Refused:
    """Params of a batch that have other values already."""
    told = [{"key": name, "old_value": old, "new_value": new} for name, old, new in error.changes]
    return invalid(
        f"Changing param values is not allowed. Params were already logged='{told}' for run ID='{error.run}'."
    )


def _words(kind: type[E]) -> Callable[[Callable[[E], NoriaError]], Callable[[E], NoriaError]]:
    def take(function: Callable[[E], NoriaError]) -> Callable[[E], NoriaError]:
        _WORDS[kind] = function
        return function

    return take


_words(BadName)(bad_name)


@_words(ExperimentExists)
def _(error: ExperimentExists) -> Refused:
    return Refused(EXISTS, f"Experiment(name={error.name}) already exists. Error: it is {error.stage}; {error.hint}.")


@_words(ExperimentMissing)
def _(error: ExperimentMissing) -> Refused:
    return absent(f"No Experiment with id={error.key} exists")


@_words(RunMissing)
def _(error: RunMissing) -> Refused:
    return absent(f"Run with id={error.id} not found")


@_words(NotActive)
def _(error: NotActive) -> Refused:
    return invalid(f"The {error.what} {error.id} must be in the 'active' state. Current state is {error.stage}.")


@_words(TagMissing)
def _(error: TagMissing) -> Refused:
    if error.what == "logged model":
        return absent(f"No tag with key {error.name!r} found for model with ID {error.id!r}.")
    return absent(f"No tag with name: {error.name} in {error.what} with id {error.id}")


@_words(ParamChanged)
def _(error: ParamChanged) -> Refused:
    return invalid(
        f"Changing param values is not allowed. Param with key='{error.name}' was already logged with"
        f" value='{error.old}' for run ID='{error.run}'. Attempted logging new value '{error.new}'."
    )


@_words(NamedTwice)
def _(error: NamedTwice) -> Refused:
    return invalid(
        f"Duplicate parameter keys have been submitted: {list(error.names)}. Please ensure the request contains only"
        " one param value per param key."
    )


@_words(BadValue)
def _(error: BadValue) -> Refused:
    if error.limit:
        return too_long("value", error.limit)
    return invalid(invalid_value("value", error.name, "It holds a zero character or half a surrogate pair."))


@_words(TwoNames)
def _(error: TwoNames) -> Refused:
    return invalid(
        "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values"
        f" (run_name='{error.name}', mlflow.runName='{error.tag}')."
    )


@_words(BadPath)
def _(_: BadPath) -> Refused:
    return invalid("Invalid path")


@_words(ArtifactMissing)
def _(error: ArtifactMissing) -> Refused:
    return absent(f"No such artifact: '{error.path}'")


@_words(BadToken)
def _(error: BadToken) -> Refused:
    ours = "another" in error.message
    return invalid(f"Invalid page token: {error.message}" if ours else "Invalid page token, could not base64-decode")


@_words(LoggedModelMissing)
def _(error: LoggedModelMissing) -> Refused:
    return absent(f"Logged model with ID '{error.id}' not found.")


@_words(BadDataset)
def _(error: BadDataset) -> Refused:
    if error.rule == "missing":
        return missing(error.part)
    if error.rule == "length":
        return too_long(error.part, error.limit)
    return invalid(f"'{error.part}' of a dataset holds a zero character or half a surrogate pair.")


@_words(registry.MissingName)
def _(error: registry.MissingName) -> Refused:
    return invalid(f"Missing value for required parameter '{error.parameter}'.")


@_words(registry.BadName)
def _(error: registry.BadName) -> Refused:
    if error.rule == "separator":
        return invalid(f"Invalid model name '{error.name}'. Names cannot contain '/' or ':'.")
    return invalid(invalid_value(error.parameter, error.name, not_a_name(error.name, error.rule)))


@_words(registry.BadAlias)
def _(error: registry.BadAlias) -> Refused:
    return invalid(
        {
            "empty": "Registered model alias name cannot be empty.",
            "characters": f"Invalid alias name: '{error.alias}'. Names may only contain alphanumerics, underscores"
            " (_), and dashes (-).",
            "latest": "'latest' alias name (case insensitive) is reserved.",
            "version": f"Version alias name '{error.alias}' is reserved.",
        }.get(error.rule, error.message)
    )


@_words(registry.TooLong)
def _(error: registry.TooLong) -> Refused:
    if error.parameter == "Prompt text":
        return invalid(f"Prompt text exceeds max length of {error.limit} characters.")
    return too_long(error.parameter, error.limit)


@_words(registry.NoTagValue)
def _(_: registry.NoTagValue) -> Refused:
    return invalid("Tag value cannot be None")


@_words(registry.BadNumber)
def _(error: registry.BadNumber) -> Refused:
    return invalid(f"Parameter 'version' must be an integer, got '{error.given}'.")


@_words(registry.ModelExists)
def _(error: registry.ModelExists) -> Refused:
    kinds = ("prompt" if error.was_prompt else "registered model", "prompt" if error.is_prompt else "registered model")
    if kinds[0] == kinds[1]:
        return Refused(EXISTS, f"{kinds[0].title()} (name={error.name}) already exists.")
    return Refused(
        EXISTS,
        f"Tried to create a {kinds[1]} with name {error.name!r}, but the name is already taken by a {kinds[0]}."
        " MLflow does not allow creating a model and a prompt with the same name.",
    )


@_words(registry.NameTaken)
def _(error: registry.NameTaken) -> Refused:
    return Refused(EXISTS, f"Registered Model (name={error.name}) already exists.")


@_words(registry.ModelMissing)
def _(error: registry.ModelMissing) -> Refused:
    return absent(f"Registered Model with name={error.name} not found")


@_words(registry.VersionMissing)
def _(error: registry.VersionMissing) -> Refused:
    if error.number == registry.LATEST:
        return absent(f"Latest version not found for model {error.model}.")
    return absent(f"Model Version (name={error.model}, version={error.number}) not found")


@_words(registry.AliasMissing)
def _(error: registry.AliasMissing) -> Refused:
    return invalid(f"Registered model alias {error.alias} not found.")


@_words(UnknownStage)
def _(error: UnknownStage) -> Refused:
    known = ", ".join(ALL)
    return invalid(f"Invalid Model Version stage: {error.stage}. Value must be one of {known}.")


@_words(NotActiveStage)
def _(error: NotActiveStage) -> Refused:
    return Refused(
        INTERNAL,
        "Model version transition cannot archive existing model versions because"
        f" '{error.stage}' is not an Active stage. Valid stages are ('Staging', 'Production')",
    )


@_words(SourceMissing)
def _(error: SourceMissing) -> Refused:
    return Refused(
        INTERNAL, f"Unable to fetch model from model URI source artifact location '{error.source}'. Error: {error.why}"
    )


@_words(InUse)
def _(error: InUse) -> Refused:
    return Refused(INVALID, f"{error.message}. {error.hint}.", status=409)


@_words(WebhookMissing)
def _(error: WebhookMissing) -> Refused:
    return Refused(ABSENT, f"Webhook with ID {error.webhook} not found.")


@_words(BadWebhook)
def _(error: BadWebhook) -> Refused:
    if error.field == "max_results":
        return invalid("max_results must be between 1 and 1000.")
    return invalid(error.message)
