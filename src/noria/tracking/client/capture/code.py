"""The code a run was made with: script, command line, git commit, and what had been changed since the commit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from noria.tracking.client.capture.secrets import arguments, without_secrets

DIFF = "code/uncommitted.diff"
"""The artifact that holds what was not committed."""

_MOST_DIFF = 1 << 20
_PATIENCE = 5.0


def command(environment: Mapping[str, str]) -> dict[str, str]:
    """The program and how it was called, as tags."""
    script = Path(sys.argv[0]).name if sys.argv and sys.argv[0] not in ("", "-c") else "interactive"
    return {
        "mlflow.source.name": sys.argv[0] if script != "interactive" else script,
        "mlflow.source.type": "LOCAL",
        "noria.command": " ".join(arguments(sys.argv, environment))[:4000],
        "noria.folder": str(Path.cwd()),
    }


def git_state(folder: Path) -> tuple[dict[str, str], bytes]:
    """Commit, branch and remote as tags, and the diff of tracked files against the commit, of bounded length.

    Nothing when the folder is no checkout, or git is not there.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}, b""
    diff = _bounded(folder)
    tags = {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "mlflow.source.git.repoURL": without_secrets(_git(folder, "config", "--get", "remote.origin.url")),
        "noria.git.dirty": "true" if diff else "false",
    }
    return {name: value for name, value in tags.items() if value}, diff


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def _bounded(folder: Path) -> bytes:
    """The diff, cut after so many bytes; git is then stopped, so that a huge one costs neither time nor memory."""
    ask = ["git", "-C", str(folder), "--no-optional-locks", "diff", "--no-ext-diff", "--no-color", "HEAD"]
    try:
        with subprocess.Popen(
            ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            diff = process.stdout.read(_MOST_DIFF + 1)
            if len(diff) > _MOST_DIFF:
                process.kill()
                return diff[:_MOST_DIFF] + b"\n[... the diff is longer ...]\n"
            return diff
    except OSError:
        return b""
