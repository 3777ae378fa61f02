"""The one place that reads the process environment."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """A copy of the process environment, taken now."""
    return dict(os.environ)
