"""Calls, and what they answered in a form that two servers can be compared by."""

import contextlib
import dataclasses
import datetime
import enum
import math
import re
import tempfile
import time

import requests
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from mlflow import MlflowClient
from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList

DAY_MS = 86_400_000
ID = re.compile(
    r"webhook_[0-9a-z]{26}|m-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])"
)
EXPERIMENT_KEYS = ("experiment_id", "experimentId", "experiment_ids", "_mlflow_experiment_ids")
EXPERIMENT = re.compile(
    r"(?<![\w.])[1-9]\d*(?=(?:/|%2F)(?:models(?:/|%2F))?<id )|(?<=mlflow-artifacts:/)[1-9]\d*(?=$|\")"
)
RANDOM_NAME = re.compile(r"^[a-z]+-[a-z]+-\d{1,4}$")
QUOTED_NAME = re.compile(r"(?<=')[a-z]+-[a-z]+-\d{1,4}(?=')")
PORT = re.compile(r"port=\d+")
A_SET = re.compile(r"\{'[^{}]*'\}")
LONG = re.compile(r"([b-z])\1{49,}")
CLOCK = re.compile(r"(?<!\d)\d{13}(?!\d)")


class Recorder:
    """Runs calls against one server and keeps `answers`: name of the call -> what came back, normalised."""

    def __init__(self, url):
        self.url = url
        self.answers = {}
        self.client = MlflowClient(url, url)
        self.folder = tempfile.mkdtemp(prefix="differential")
        self._http = requests.Session()
        self._http.trust_env = False
        self._area = ""
        self._now = time.time() * 1000

    @contextlib.contextmanager
    def area(self, name):
        """Names of calls begin with the area's; what escapes is an answer too."""
        self._area = name
        try:
            yield
        except Exception as error:
            self._keep("stopped", {"error": type(error).__name__, "message": self.normal(str(error))})

    def call(self, name, function, /, *args, **values):
        """One call of the client. Gives what it gave, or None when it raised."""
        time.sleep(0.003)  # two things made in one millisecond have no order
        try:
            given = function(*args, **values)
        except MlflowException as error:
            self._keep(name, {"error": error.error_code, "message": self.normal(error.message),
                              "status": error.get_http_status_code()})  # fmt: skip
            return None
        except Exception as error:
            self._keep(name, {"error": type(error).__name__, "message": self.normal(str(error))})
            return None
        key = "experiment_id" if getattr(function, "__name__", "") == "create_experiment" else ""
        self._keep(name, self.normal(plain(given), key))
        return given

    def rest(self, name, method, path, /, *, data=None, headers=None, **values):
        """One raw request: `json=`, `params=` or `data=`. Gives the parsed body, {} when it is none."""
        time.sleep(0.003)
        request = requests.Request(method, self.url + path, data=data, headers=headers, **values)
        prepared = self._http.prepare_request(request)
        prepared.url = self.url + path + (f"?{prepared.url.partition('?')[2]}" if "params" in values else "")
        answer = self._sent(prepared)
        if answer is None:
            self._keep(name, {"error": "connection closed without an answer"})
            return {}
        try:
            body = answer.json()
        except ValueError:
            body = {"text": answer.text[:2000]}
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        self._keep(name, {"status": answer.status_code, "type": kind, "body": self.normal(body)})
        return body

    def _sent(self, prepared):
        for _ in range(5):  # a server that fails before it has read the body may close on us
            try:
                return self._http.send(prepared, timeout=60, allow_redirects=False)
            except requests.ConnectionError:
                time.sleep(0.05)
        return None

    def note(self, name, value):
        """Something computed from answers."""
        self._keep(name, self.normal(plain(value)))

    def normal(self, value, key=""):
        """Ids marked as such, the present as <now>, opaque tokens, hosts and folders left out."""
        if isinstance(value, dict):
            return {self.normal(k): self.normal(v, str(k)) for k, v in value.items()}
        if isinstance(value, list):
            return _without_order([self.normal(one, key) for one in value])
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return "<now>" if self._is_now(value) else value
        return value

    def _text(self, text, key):
        if key in ("next_page_token", "page_token", "token") and text:
            return "<token>"
        if key in ("", "run_name", "mlflow.runName", "name", "value") and RANDOM_NAME.match(text):
            return "<random name>"
        text = PORT.sub("port=<port>", text.replace(self.url, "<server>").replace(self.folder, "<folder>"))
        text = A_SET.sub(lambda found: "{" + ", ".join(sorted(found.group()[1:-1].split(", "))) + "}", text)
        text = QUOTED_NAME.sub("<random name>", text)
        if "Response text: {" in text:  # JSON in a message: blanks in it say nothing
            text = text.replace('": ', '":').replace(', "', ',"')
        text = LONG.sub(lambda found: f"<{found[1]} {len(found.group())} times>", text)
        text = ID.sub(lambda found: f"<id {found.group()}>", text)
        if key in EXPERIMENT_KEYS and text.isdigit():
            return f"<id experiment {text}>"
        text = EXPERIMENT.sub(lambda found: f"<id experiment {found.group()}>", text)
        return CLOCK.sub(lambda found: "<now>" if self._is_now(int(found.group())) else found.group(), text)

    def _is_now(self, value):
        return math.isfinite(value) and abs(value - self._now) < DAY_MS

    def _keep(self, name, answer):
        full = f"{self._area}: {name}"
        if full in self.answers:
            raise ValueError(f"two calls are named {full!r}")
        self.answers[full] = answer


def _without_order(values):
    """Tags, params, latest metrics and events are sets, in whatever order a database gives them."""
    if values and all(isinstance(one, dict) for one in values):
        keys = [one.get("key") for one in values]
        if None not in keys and len(set(keys)) == len(keys):
            return sorted(values, key=lambda one: one["key"])
        if all(set(one) == {"action", "entity"} for one in values):
            return sorted(values, key=lambda one: (one["entity"], one["action"]))
    return values


def plain(value):
    """What a client's object holds, as JSON."""
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, PagedList):
        return {"items": [plain(one) for one in value], "token": value.token}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True)
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    if type(value).__module__.startswith("google."):
        return [plain(one) for one in value]
    return _object(value)


def _object(value):
    if isinstance(value, _MlflowObject) or type(value).__module__.startswith("mlflow."):
        kind = type(value)
        names = sorted(n for c in kind.__mro__ for n, p in vars(c).items() if isinstance(p, property) and n[0] != "_")
        return {name: plain(getattr(value, name)) for name in dict.fromkeys(names)}
    return f"{type(value).__name__}"
