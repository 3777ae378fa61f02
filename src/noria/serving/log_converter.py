"""Sealed segments become Parquet in a process of its own.

In a thread it would take the interpreter from the requests, 0.5 ms at a time; apart it takes only what is left over,
from before its first import on. It does its work once, and ends when its parent does: it must not go on beside the
next server.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from noria.core.errors import NoriaError
from noria.serving.log_columns import FEEDBACK, PREDICTIONS
from noria.serving.log_files import LogFiles
from noria.stores.spool import drop_segment

_START = """
import os, sys
try:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
except (AttributeError, OSError):
    os.nice(19)
from noria.serving.log_converter import main
sys.exit(main())
"""


class NotConverted(NoriaError):
    """The converter ended before all was done. What is not Parquet is still in the spool."""

    code = "N6038"


def convert_apart(path: Path) -> None:
    """Turn every sealed segment of the log at `path` into Parquet, and wait for it. Raises NotConverted."""
    command = [sys.executable, "-c", _START, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None and process.stdin is not None
    with process.stdin, process.stderr:
        said = process.stderr.read()
    if process.wait():
        raise NotConverted(f"the log's segments stay as they are: {said.strip()[-500:]}", hint="it is tried again")


def convert(path: Path) -> None:
    """The same in this process. Raises StorageFull, DamagedLog."""
    for layout in (PREDICTIONS, FEEDBACK):
        files: LogFiles[Any] = LogFiles(path, layout)
        for left in files.folder.glob(".*.tmp"):  # of one that was killed
            left.unlink(missing_ok=True)
        for segment in files.sealed():
            files.convert(segment)
            drop_segment(segment)


def _end_with_parent() -> None:
    os.read(0, 1)  # its end of the pipe is closed by the system, however it dies
    os._exit(1)


def main() -> int:
    """Convert once."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()  # a segment's records all live until it is written
    try:
        convert(Path(sys.argv[1]))
    except (NoriaError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
