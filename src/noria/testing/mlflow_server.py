"""Stock `mlflow server`, unmodified, to stand beside ours."""

from __future__ import annotations

from pathlib import Path

from noria.testing import rivals
from noria.testing.server_process import ServerProcess, free_port

QUIET = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "bm9yaWEtdGVzdHMta2V5LW5vcmlhLXRlc3RzLWtleS0=",
}
"""Job execution off (eleven processes less), no telemetry, a key so that webhooks may have secrets."""


def mlflow_server(
    folder: Path, *, url: str = "", port: int = 0, before: tuple[str, ...] = (), rival: str = "mlflow"
) -> ServerProcess:
    """MLflow's own server with its state in `folder`: SQLite unless `url` says else, artifacts through the server.

    `before` goes before the command (`taskset -c 0`); `rival` names the environment it runs from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": url or f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination": str(folder / "artifacts"),
    }
    command = [*before, str(rivals.python(rival)), "-m", "mlflow", "server"]
    command += [text for option in options.items() for text in option]
    return ServerProcess(command, port, folder / "server.log", QUIET)
