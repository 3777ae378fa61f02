"""Native models, pickled: written and read in training processes and in workers of a server, never in the server.

The only module that touches pickle. What it reads was written by this project's own training and is named by
the digest of its content.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, Corrupt
from noria.workspace.workspace import Workspace


class NotPicklable(BadInput):
    """A model that cannot be kept, such as one that holds a lambda or an open file."""

    code = "N4203"


def save(ws: Workspace, model: Any) -> str:
    """Keep a native model; gives its blob's digest. Raises NotPicklable."""
    import joblib

    buffer = io.BytesIO()
    try:
        joblib.dump(model, buffer)
    except Exception as error:
        said = f"a {type(model).__name__} cannot be kept: {type(error).__name__}: {error}"
        raise NotPicklable(said, hint="return an estimator made of importable classes and functions") from error
    return ws.blobs.put(buffer.getvalue())


def load(ws: Workspace, digest: str) -> Any:
    """The model that `save` kept. Raises NotFound, Corrupt."""
    import joblib

    return joblib.load(io.BytesIO(ws.blobs.get(digest)))


def load_file(path: Path) -> Any:
    """The same from a blob's file, for a process without a workspace. Raises Corrupt, OSError."""
    import joblib

    content = path.read_bytes()
    if digest_bytes(content) != path.name:
        raise Corrupt(f"the model {path.name[:12]} is damaged", hint="run again to rebuild it")
    return joblib.load(io.BytesIO(content))
