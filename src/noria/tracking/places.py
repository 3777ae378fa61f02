"""Where artifacts lie: an experiment has a root, and what belongs to it lies below."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from noria.core.errors import BadInput
from noria.tracking.names import LONGEST_ROOT, storable

SCHEME = "mlflow-artifacts:/"
"""What lies below is in Noria's own artifact tree; any other scheme is the clients' own business."""


class BadRoot(BadInput):
    """Where artifacts cannot be kept. `rule` is `text`, `length`, `runs` or `path`."""

    code = "N2205"

    def __init__(self, root: str, rule: str) -> None:
        why = {
            "text": "it holds what no text may hold",
            "length": f"it has {len(root)} characters and may have {LONGEST_ROOT}",
            "runs": "it would lie in a run, and runs lie in it",
            "path": "it leads out of where it says it is",
        }[rule]
        super().__init__(f"artifacts cannot be kept at {root[:80]!r}: {why}")
        self.root, self.rule = root, rule


def default_root(experiment: int) -> str:
    """Where an experiment's artifacts lie when nobody says otherwise.

    >>> default_root(7)
    'mlflow-artifacts:/7'
    """
    return f"{SCHEME}{experiment}"


def below(root: str, *names: str) -> str:
    """A place below another one; what follows a `?` or `#` stays at the end.

    >>> below("s3://bucket/x/?region=eu", "run", "artifacts")
    's3://bucket/x/run/artifacts?region=eu'
    """
    if "?" not in root and "#" not in root:
        return "/".join([root.rstrip("/"), *names])
    scheme, host, path, query, fragment = urlsplit(root)
    return urlunsplit((scheme, host, "/".join([path.rstrip("/"), *names]), query, fragment))


def check_root(root: str) -> str:
    """A root that somebody asks for. Raises BadRoot."""
    if not storable(root):
        raise BadRoot(root, "text")
    if len(root) > LONGEST_ROOT:
        raise BadRoot(root, "length")
    if root.startswith("runs:"):
        raise BadRoot(root, "runs")
    if ".." in unquote(unquote(root)).replace("\\", "/").split("/"):
        raise BadRoot(root, "path")
    return root
