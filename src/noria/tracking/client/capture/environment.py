"""What a run was run with: Python, the machine, installed packages, and the variables that are safe to tell."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from typing import Any

ENVIRONMENT = "environment.json"
"""The artifact that holds it."""

SAFE = (
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK",
    "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_NNODES", "SLURM_PROCID", "LANG", "TZ",
    "CONDA_DEFAULT_ENV", "VIRTUAL_ENV",
)  # fmt: skip
"""The only variables that are told, and nothing else of the environment."""

_INSTALLED = re.compile(r"^(?P<name>.+)-(?P<version>[^-]+)\.(?:dist|egg)-info$")


def tags() -> dict[str, str]:
    """Python and the machine, as tags."""
    return {
        "noria.python": platform.python_version(),
        "noria.platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "noria.host": platform.node(),
    }


def described(environment: Mapping[str, str]) -> dict[str, Any]:
    """Everything, for the artifact."""
    return {
        "python": sys.version,
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": packages(),
        "variables": {name: environment[name] for name in SAFE if name in environment},
    }


def packages() -> dict[str, str]:
    """Installed packages and their versions, by the names of their folders: no file is opened."""
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = [entry.name for entry in os.scandir(place or ".")]
        except OSError:
            continue
        for name in names:
            if match := _INSTALLED.match(name):
                found.setdefault(re.sub(r"[-_.]+", "-", match["name"]).lower(), match["version"])
    return dict(sorted(found.items()))
