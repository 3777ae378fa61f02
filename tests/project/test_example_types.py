"""The example passes a strict type check, as in the user's editor, by Noria's own types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import noria

SOURCE = Path(noria.__file__).parents[1]
MISSING_STUBS = (
    "reportMissingTypeStubs", "reportMissingModuleSource", "reportUnknownMemberType", "reportUnknownVariableType",
    "reportUnknownArgumentType", "reportUnknownParameterType", "reportMissingTypeArgument", "reportUnusedImport",
)  # fmt: skip


def test_mypy_strict(example):
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--follow-imports=silent"]
    found = subprocess.run(
        [*command, "--cache-dir", example / "cache", "flights.py"], cwd=example, capture_output=True, text=True,
        env={**os.environ, "MYPYPATH": str(SOURCE)},
    )  # fmt: skip
    assert "Success: no issues found" in found.stdout, found.stdout


def test_basedpyright_strict(example):
    """Apart from what scikit-learn, which has no types, leaves unknown."""
    options = {"typeCheckingMode": "strict", "extraPaths": [str(SOURCE)], **dict.fromkeys(MISSING_STUBS, False)}
    (example / "pyrightconfig.json").write_text(json.dumps(options))
    program = shutil.which("basedpyright", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "the tests need basedpyright: pip install -e '.[dev]'"
    command = [program, "--pythonpath", sys.executable, "flights.py"]
    found = subprocess.run(command, cwd=example, capture_output=True, text=True)
    assert found.stdout.splitlines()[-1].startswith("0 errors"), found.stdout
