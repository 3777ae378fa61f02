"""The parquet schema of neptune-exporter: one row a value, with its attribute's path and type, step and moment.

    <root>/data/<project>/<run>_part_<n>.parquet     names are made safe and end in a digest of the real ones
    <root>/files/<project>/...                       what `file_value.path` is relative to

A run is whole once its part 0 is there, which is written last. Source: src/neptune_exporter/model.py (Apache-2.0).
"""

from __future__ import annotations

import hashlib
from typing import Any

ORIGIN, PARENT, TAGS = "noria/origin", "noria/parent", "noria/tags/"
"""Attributes of ours: who reads what we wrote finds the same run again."""
EXACT_STEPS = "neptune.exact_steps"
"""The tag that lists metrics whose steps are no whole numbers; the exact ones are kept aside."""
EXACT, TEXT, HISTOGRAMS = "neptune-exact-steps", "neptune-text", "neptune-histograms"
FORK_STEP = "neptune.fork_step"
SCALARS = ("float", "int", "string", "bool", "datetime", "string_set")
FILES = ("file", "file_series", "file_set", "artifact")


def schema() -> Any:
    """The Arrow schema."""
    import pyarrow as pa

    moment = pa.timestamp("ms", tz="UTC")
    numbers = pa.list_(pa.float64())
    histogram = pa.struct([("type", pa.string()), ("edges", numbers), ("values", numbers)])
    return pa.schema(
        [
            ("project_id", pa.string()), ("run_id", pa.string()), ("attribute_path", pa.string()),
            ("attribute_type", pa.string()), ("step", pa.decimal128(18, 6)), ("timestamp", moment),
            ("int_value", pa.int64()), ("float_value", pa.float64()), ("string_value", pa.string()),
            ("bool_value", pa.bool_()), ("datetime_value", moment), ("string_set_value", pa.list_(pa.string())),
            ("file_value", pa.struct([("path", pa.string())])), ("histogram_value", histogram),
        ]
    )  # fmt: skip


def safe_part(name: str) -> str:
    """A name as part of a path, as the exporter makes it: odd characters replaced, a digest put behind."""
    kept = "".join(one if one.isalnum() or one in "_-" else "_" for one in name)
    return f"{kept}-{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"
