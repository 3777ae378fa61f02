"""Our data plane with one view of ten newest values: `python noria_features.py FOLDER`; prints its URL.

It is the process that `noria serve` runs, without a project around it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from features_online import LATEST

from noria.config.settings import settings_for
from noria.core.schema import Column
from noria.features.model import InputSet, ViewInput
from noria.serving.model import ServedModel
from noria.serving.running import run_data_plane
from noria.workspace.workspace import open_workspace

REQUEST = (Column("id", "string"), Column("entity", "int"), Column("at", "time"))


def main() -> None:
    """Serve until SIGTERM."""
    folder = Path(sys.argv[1])
    inputs = InputSet("Ask", "id", "at", REQUEST, (LATEST,), (ViewInput(LATEST.name, LATEST.entities),))
    ws = open_workspace(folder, settings_for(folder, {}, {}))
    run_data_plane(ws, {"bench": ServedModel(inputs)}, {}, port=0, on_ready=lambda url: print(url, flush=True))
    ws.close()


if __name__ == "__main__":
    main()
