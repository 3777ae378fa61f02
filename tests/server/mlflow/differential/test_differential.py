"""One script of an unmodified client, sent to stock `mlflow server` and to ours: the answers are the same.

Ids, clocks, ports and opaque page tokens are made comparable by `recorder.py`; everything else counts: fields, order,
error codes, HTTP statuses and messages. What differs on purpose is listed in `known_differences.py` with its reason.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from noria.testing import rivals
from noria.testing.mlflow_server import QUIET, mlflow_server
from noria.testing.noria_server import noria_server
from noria.testing.postgres import PostgresServer
from noria.testing.server_process import ServerProcess

from .comparison import Answers, differing, told
from .known_differences import KNOWN_DIFFERENCES

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("differential")]

HERE = Path(__file__).parent


def answers_of(server: ServerProcess, folder: Path) -> Answers:
    with server:
        command = [str(rivals.python("mlflow")), str(HERE / "script.py"), server.url, str(folder / "answers.json")]
        done = subprocess.run(command, env={**os.environ, **QUIET}, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads((folder / "answers.json").read_text()))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Answers]]:
    folder = tmp_path_factory.mktemp("differential")
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        servers = {
            "mlflow": mlflow_server(folder / "mlflow"),
            "sqlite": noria_server(folder / "sqlite"),
            "postgresql": noria_server(folder / "postgresql", url=postgres.url),
        }
        with ThreadPoolExecutor() as pool:
            asked = {name: pool.submit(answers_of, server, folder / name) for name, server in servers.items()}
            yield {name: one.result() for name, one in asked.items()}


def test_the_script_ran_to_its_end_against_mlflow(answers: dict[str, Answers]) -> None:
    assert len(answers["mlflow"]) >= 1_400
    assert {name: answer for name, answer in answers["mlflow"].items() if name.endswith(": stopped")} == {}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_answer_is_the_same_but_for_those_listed(answers: dict[str, Answers], database: str) -> None:
    theirs, ours = answers["mlflow"], answers[database]
    unlisted = [name for name in differing(theirs, ours) if name not in KNOWN_DIFFERENCES]
    report = "\n".join(told(name, theirs.get(name), ours.get(name)) for name in unlisted[:60])
    assert not unlisted, f"{len(unlisted)} of {len(theirs)} answers differ:\n{report}"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_listed_difference_is_still_one(answers: dict[str, Answers], database: str) -> None:
    theirs, ours = answers["mlflow"], answers[database]
    assert [name for name in KNOWN_DIFFERENCES if name not in theirs] == []
    stale = set(KNOWN_DIFFERENCES) - set(differing(theirs, ours))
    assert stale == set()
    wrong = [name for name, why in KNOWN_DIFFERENCES.items() if not why.holds(theirs[name], ours.get(name))]
    report = "\n".join(told(name, theirs[name], ours.get(name)) for name in wrong[:60])
    assert not wrong, f"{len(wrong)} differ otherwise than their reason says:\n{report}"
