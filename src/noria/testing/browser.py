"""A headless Chromium for tests of web pages, driven by Debian's chromedriver over the WebDriver protocol (W3C)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from noria.core.clock import monotonic, sleep
from noria.testing.server_process import free_port

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1600,1000",
]


@dataclass(frozen=True)
class Exchange:
    """One request that a page made, and what came back; status 0 is no answer."""

    method: str
    url: str
    status: int
    body: str = ""


class Browser:
    """A browser of its own, with an empty profile, for as long as a `with` lasts.

    Raises FileNotFoundError naming the Debian packages when a program is missing.
    """

    def __init__(self) -> None:
        driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
        if driver is None or chromium is None:
            raise FileNotFoundError("the page tests need a browser: apt install chromium chromium-driver")
        self._profile = Path(tempfile.mkdtemp(prefix="browser"))
        port = free_port()
        self._driver = subprocess.Popen(
            [driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        self._session = self._open(chromium)

    def go(self, url: str) -> None:
        """Open a page."""
        self._do("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function body of JavaScript returns in the page."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self) -> str:
        """What a reader sees."""
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def wait(self, true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """The first truthy answer of `true`. Raises AssertionError with the page's text when none comes."""
        end = monotonic() + seconds
        while not (answer := true()):
            if monotonic() > end:
                raise AssertionError(f"the page never showed {what}; it shows:\n{self.text()[:3000]}")
            sleep(0.1)
        return answer

    def picture(self, path: Path) -> None:
        """Keep what it looks like as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._do("GET", "/screenshot")))

    def exchanges(self) -> list[Exchange]:
        """Every request since the last call, in order."""
        asked: dict[str, Exchange] = {}
        for entry in self._do("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            _note(asked, message["method"], message["params"])
        return list(asked.values())

    def close(self) -> None:
        """End the browser and its driver and remove the profile."""
        try:
            self._do("DELETE", "")
        finally:
            self._http.close()
            os.killpg(self._driver.pid, 15)
            self._driver.wait()
            shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, chromium: str) -> str:
        options = {"binary": chromium, "args": [*_FLAGS, f"--user-data-dir={self._profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
        end = monotonic() + 60
        while True:
            try:
                answer = self._http.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
                answer.raise_for_status()
                return str(answer.json()["value"]["sessionId"])
            except httpx.ConnectError:
                if monotonic() > end:
                    raise
                sleep(0.05)

    def _do(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, f"/session/{self._session}{path}", json=body)
        value = answer.json()["value"]
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {value.get('message', value)}")
        return value


def _note(asked: dict[str, Exchange], event: str, about: dict[str, Any]) -> None:
    if event == "Network.requestWillBeSent":
        request = about["request"]
        asked[about["requestId"]] = Exchange(request["method"], request["url"], 0, request.get("postData", ""))
    elif event == "Network.responseReceived" and about["requestId"] in asked:
        known = asked[about["requestId"]]
        asked[about["requestId"]] = Exchange(known.method, known.url, int(about["response"]["status"]), known.body)
