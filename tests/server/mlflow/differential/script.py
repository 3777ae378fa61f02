"""The script of the differential suite, run by the unmodified client: `script.py URL ANSWERS.json [AREA ...]`.

It talks to one server and writes what it answered, call by call, with ids, clocks and hosts made comparable.
"""

import json
import os
import pathlib
import sys

os.environ |= {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "LOGNAME": "tester",
    "MLFLOW_TRACKING_URI": sys.argv[1],
}

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from areas import (
    artifacts,
    errors,
    experiments,
    fluent,
    histories,
    limits,
    logged_models,
    places,
    prompts,
    registered_models,
    run_search,
    runs,
    server,
    sources,
    versions,
    webhooks,
)
from recorder import Recorder

AREAS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        server,
        experiments,
        runs,
        histories,
        limits,
        run_search,
        logged_models,
        registered_models,
        versions,
        sources,
        prompts,
        artifacts,
        errors,
        fluent,
        webhooks,
        places,
    )
}

if __name__ == "__main__":
    recorder = Recorder(sys.argv[1])
    for name in sys.argv[3:] or list(AREAS):
        with recorder.area(name):
            AREAS[name].calls(recorder)
    pathlib.Path(sys.argv[2]).write_text(json.dumps(recorder.answers, indent=1))
