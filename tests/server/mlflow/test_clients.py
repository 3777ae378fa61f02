"""Unmodified clients of three releases against our server: what people do in an afternoon, with the real libraries.

The scripts lie in `clients/`; each ends with a line RESULT when everything it asserts held.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from noria.testing import rivals
from noria.testing.mlflow_server import QUIET
from noria.testing.noria_server import noria_server
from noria.testing.server_process import ServerProcess

pytestmark = pytest.mark.timeout(600)

SCRIPTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with noria_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def result_of(rival: str, script: str, server: ServerProcess, folder: Path) -> list[str]:
    """Run a script by the interpreter of one of the environments; the words after RESULT."""
    more = {**QUIET, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "TQDM_DISABLE": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [rivals.python(rival), SCRIPTS / script, server.url],
        env={**os.environ, **more}, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    said = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert done.returncode == 0 and said, f"{done.stdout[-1500:]}\n{done.stderr[-4000:]}"
    return said[0]


def test_mlflow_3_trains_registers_and_loads_scikit_learn(server: ServerProcess, tmp_path: Path) -> None:
    assert result_of("mlflow", "sklearn_workflow.py", server, tmp_path)[0] == "3.17.2"


def test_the_newest_mlflow_2_does_so_too(tmp_path: Path) -> None:
    with noria_server(tmp_path / "server") as server:
        assert result_of("mlflow2", "sklearn_workflow.py", server, tmp_path)[0].startswith("2.22.")


def test_xgboost_and_lightgbm_log_themselves(server: ServerProcess, tmp_path: Path) -> None:
    assert result_of("mlflow", "boosting_autolog.py", server, tmp_path)[1:] == ["3.2.0", "4.7.0"]


def test_pytorch_logs_itself(server: ServerProcess, tmp_path: Path) -> None:
    assert result_of("mlflow", "pytorch_autolog.py", server, tmp_path)[1].startswith("2.13.0")


def test_the_client_alone(server: ServerProcess, tmp_path: Path) -> None:
    assert result_of("skinny", "skinny.py", server, tmp_path) == ["3.17.2"]
