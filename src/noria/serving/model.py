"""What the serving folder speaks of: a request and a response without a web framework, routing, log records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from noria.core.clock import Micros
from noria.core.errors import BadInput, Conflict, Corrupt, NoriaError, NotFound, Unavailable
from noria.features.model import InputSet

Arm = Literal["champion", "challenger"]
Mode = Literal["single", "shadow", "split"]


class Request(msgspec.Struct, frozen=True):
    """An HTTP request, whoever parsed it. Header names are lower case; `query` is what follows the `?`."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    query: str = ""


class Response(msgspec.Struct, frozen=True):
    """An HTTP response, whoever will send it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


@dataclass(frozen=True)
class Routing:
    """Which versions of a model answer: the last committed stage of its rollout.

    `single`: the champion alone. `shadow`: the champion answers, both are scored. `split`: a share of keys,
    chosen by hash with `salt`, is answered by the challenger; both are scored. `revision` grows with every
    change, so that a server can tell an old routing from a new one.
    """

    model: str
    champion: int
    challenger: int | None = None
    mode: Mode = "single"
    share: float = 0.0
    salt: str = ""
    rollout: str | None = None
    revision: int = 0


@dataclass(frozen=True)
class LogRules:
    """What of a model's predictions is logged: the `sample` that is kept, and columns that are left out or hashed.

    Columns are the request's (`tailnum`) or features (`Aircraft.last_delay`); `key` is the column that names a request.
    Of a prediction outside the sample nothing is known: not its feedback, and not that it was answered before.
    """

    sample: float = 1.0
    redact: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.sample <= 1:
            raise BadInput(f"a sample is a share above 0 and up to 1, not {self.sample}")


@dataclass(frozen=True)
class CacheRules:
    """Answers that are remembered: the `size` last used, for `ttl` seconds; with `redis`, shared under that URL."""

    ttl: float
    size: int = 10_000
    redis: str = ""

    def __post_init__(self) -> None:
        if not self.ttl > 0 or self.size < 1:
            raise BadInput(f"a cache keeps at least one answer for some time, not {self.size} for {self.ttl} s")


@dataclass(frozen=True)
class LaneRules:
    """How a model's rows are gathered into batches while a run is on.

    A batch has `most_rows`, and takes `slice` seconds by the cost measured so far; `queue` rows may wait, none for
    more than `patience` seconds. `memory` limits the address space of a native model's process, in bytes.
    """

    most_rows: int = 256
    slice: float = 0.02
    queue: int = 4096
    patience: float = 2.0
    memory: int | None = None


@dataclass(frozen=True)
class LoadRules:
    """When a model's versions are in memory: from the start, or (`on_demand`) from the first request for them.

    On demand, a version leaves memory when nobody has asked for it for `idle` seconds, and when others need the room.
    """

    on_demand: bool = False
    idle: float | None = None

    def __post_init__(self) -> None:
        if self.idle is not None and not (self.on_demand and self.idle > 0):
            raise BadInput(f"idle is seconds above 0, of a model that is loaded on demand, not {self.idle}")


@dataclass(frozen=True)
class ServedModel:
    """A model that a data plane is asked to serve.

    `inputs` are the ones declared now: events are kept for their views even before a version exists. With
    another `alias` than `production` that version answers alone and rollouts are not followed. `log` says what of its
    predictions is written down; None: everything. `cache` says how answers are remembered; None: not at all.
    `load` says when its versions are in memory.
    """

    inputs: InputSet
    alias: str = "production"
    log: LogRules | None = None
    cache: CacheRules | None = None
    lane: LaneRules = LaneRules()
    load: LoadRules = LoadRules()


class PredictionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One answered row, as logged. Unique by `prediction_id`.

    `at` is the server's clock (or the replayed moment); `features` what the model saw; `latency` microseconds
    from the request's arrival to its answer. `other_version` and `other_output` are the version that was
    scored beside the answering one during a rollout.
    """

    prediction_id: str
    model: str
    version: int
    arm: Arm
    at: Micros
    key: str
    request: dict[str, Any]
    features: dict[str, Any]
    output: float
    latency: float
    other_version: int | None = None
    other_output: float | None = None
    rollout: str | None = None


class FeedbackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A label or business outcome for an answered row. The first label of a prediction counts; later ones are kept."""

    prediction_id: str
    at: Micros
    label: float | None = None
    outcome: dict[str, Any] | None = None


class BadPayload(BadInput):
    """A request body is not what the endpoint takes."""

    code = "N6001"


class TooLarge(BadInput):
    """A request body is larger than the server's limit."""

    code = "N6002"
    status = 413


class UnknownModel(NotFound):
    """This server does not serve a model of that name."""

    code = "N6003"


class UnknownPrediction(NotFound):
    """Feedback for a prediction this server has never given."""

    code = "N6004"


class NotReady(Unavailable):
    """The server has no version to answer with yet."""

    code = "N6005"


class UnknownPath(NotFound):
    """No route has this path."""

    code = "N6006"


class WrongMethod(BadInput):
    """The path exists, for other methods."""

    code = "N6007"
    status = 405

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{path} does not take {method}", hint=f"it takes {allowed}")
        self.allowed = allowed


class ServerFault(NoriaError):
    """Something that nobody foresaw; the server's own log has the traceback, the client only this."""

    code = "N6008"


class BadAnswer(ServerFault):
    """A version answered something that is not a finite number."""

    code = "N6009"


class ForeignTime(BadInput):
    """A caller gave its own time to a server that was not started for a replay."""

    code = "N6010"


class IdTaken(Conflict):
    """The prediction id belongs to an answer of another model."""

    code = "N6011"


class DamagedLog(Corrupt):
    """Positions of the prediction log are missing between its Parquet files and its spool."""

    code = "N6012"


class BadLabel(BadInput):
    """A label that is not a finite number, or feedback without label and outcome."""

    code = "N6013"


class UnknownView(NotFound):
    """This server keeps no view, or no feature, of that name."""

    code = "N6017"
