"""MLflow's own web page, as its package ships it, served by ours: a browser shows runs, curves and a model.

Pictures of what it showed are kept in the folder named by NORIA_PICTURES, or in the test's own.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from noria.testing import rivals
from noria.testing.browser import Browser, Exchange
from noria.testing.mlflow_server import QUIET
from noria.testing.noria_server import noria_server
from noria.testing.server_process import ServerProcess

pytestmark = pytest.mark.timeout(600)

HERE = Path(__file__).parent
PAGE = "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('mlflow').origin).parent)"
OTHERS = ("/ajax-api/2.0/mlflow/gateway-proxy", "/ajax-api/2.0/mlflow/users/current", "/ajax-api/3.0/mlflow/assistant/")
"""What the page asks for that Noria has none of (and stock MLflow answers 404 to some): the page goes on without."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, dict[str, str]]]:
    package = subprocess.run([rivals.python("mlflow"), "-c", PAGE], capture_output=True, text=True, check=True)
    page = Path(package.stdout.strip()) / "server" / "js" / "build"
    with noria_server(tmp_path_factory.mktemp("server"), page=page) as server:
        script = [rivals.python("mlflow"), HERE / "clients" / "page_data.py", server.url]
        done = subprocess.run(script, env={**os.environ, **QUIET}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        said = next(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("RESULT "))
        yield server, dict(zip(("experiment", "run", "model"), said, strict=True))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("NORIA_PICTURES") or tmp_path_factory.mktemp("pictures"))


def failed(exchanges: list[Exchange]) -> list[str]:
    """What the page asked our server for and was refused; what it asked and left again has no answer."""
    asked = [(one, urlsplit(one.url)) for one in exchanges if one.url.startswith("http")]
    return [
        f"{one.status} {one.method} {at.path}"
        for one, at in asked
        if one.status >= 400 and not at.path.startswith(OTHERS)
    ]


def test_it_lists_the_runs(site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path) -> None:
    server, ids = site
    browser.go(f"{server.url}/#/experiments/{ids['experiment']}/runs")
    browser.wait(lambda: all(f"late-{n}" in browser.text() for n in range(3)), "the three runs")
    browser.picture(pictures / "runs.png")
    assert failed(browser.exchanges()) == []


def test_it_draws_the_curves(site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path) -> None:
    server, ids = site
    browser.go(f"{server.url}/#/experiments/{ids['experiment']}/runs?compareRunsMode=CHART")
    lines = "return [...document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line')]"
    drawn = browser.wait(lambda: browser.run(f"{lines}.map(one => one.getAttribute('d').length)"), "a curve")
    assert len(drawn) >= 3 and min(drawn) > 200, "a curve of many points for each run"
    browser.picture(pictures / "curves.png")
    assert failed(browser.exchanges()) == []


def test_it_shows_one_run(site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path) -> None:
    server, ids = site
    browser.go(f"{server.url}/#/experiments/{ids['experiment']}/runs/{ids['run']}")
    browser.wait(lambda: {"depth", "auc", "team"} <= set(browser.text().split()), "its parameters, metrics and tags")
    browser.picture(pictures / "run.png")
    assert failed(browser.exchanges()) == []


def test_it_shows_the_artifacts(site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path) -> None:
    server, ids = site
    browser.go(f"{server.url}/#/experiments/{ids['experiment']}/runs/{ids['run']}/artifacts")
    browser.wait(lambda: "notes" in browser.text(), "the folder of artifacts")
    browser.picture(pictures / "artifacts.png")
    assert failed(browser.exchanges()) == []


def test_it_shows_the_registered_model(
    site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path
) -> None:
    server, _ = site
    browser.go(f"{server.url}/#/models")
    browser.wait(lambda: "lateness" in browser.text() and "production" in browser.text(), "the model and its alias")
    browser.picture(pictures / "models.png")
    browser.go(f"{server.url}/#/models/lateness/versions/1")
    browser.wait(lambda: "Version 1" in browser.text() and "late-2" in browser.text(), "the version and its run")
    browser.picture(pictures / "version.png")
    assert failed(browser.exchanges()) == []


def test_it_shows_the_logged_models(
    site: tuple[ServerProcess, dict[str, str]], browser: Browser, pictures: Path
) -> None:
    server, ids = site
    browser.go(f"{server.url}/#/experiments/{ids['experiment']}/models")
    browser.wait(lambda: "late-2" in browser.text(), "the model and its run")
    browser.picture(pictures / "logged-models.png")
    assert failed(browser.exchanges()) == []
