"""The data folder's tables: what is known of files, which snapshot of a source was accepted last, data versions."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

files = sa.Table(
    "data_files",
    metadata,
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("modified_ns", sa.BigInteger, nullable=False),
    sa.Column("changed_ns", sa.BigInteger, nullable=False),
    sa.Column("inode", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
"""The digest of every file seen, trusted for as long as its size, times and inode stay the same."""

parts = sa.Table(
    "data_parts",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""A `FilePart` by the digest of (raw file, schema, version of the checks)."""

snapshots = sa.Table(
    "data_snapshots",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("source", sa.String(255), nullable=False, index=True),
    sa.Column("taken_at", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""Every `Snapshot` ever taken."""

accepted = sa.Table(
    "data_accepted",
    metadata,
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("snapshot", sa.String(64), nullable=False),
    sa.Column("rules", sa.String(64), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""The `Checked` of the snapshot of each source that was accepted last."""

_DATASET = sa.String(200)
_SNAPSHOT = sa.String(64)


def _of_dataset() -> sa.ForeignKey:
    return sa.ForeignKey("versioned_datasets.name")


versioned_datasets = sa.Table(
    "versioned_datasets",
    metadata,
    sa.Column("name", _DATASET, primary_key=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("tables", sa.Text, nullable=False),
)
"""`tables` is a JSON list of `TableSpec`."""
data_versions = sa.Table(
    "data_versions",
    metadata,
    sa.Column("id", _SNAPSHOT, primary_key=True),
    sa.Column("dataset", _DATASET, _of_dataset(), nullable=False, index=True),
    sa.Column("root", sa.String(64), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("run", sa.String(64), nullable=False, index=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Every snapshot; `value` is the `Snapshot` as JSON. A row stays when its content is collected or erased."""
data_refs = sa.Table(
    "data_refs",
    metadata,
    sa.Column("dataset", _DATASET, _of_dataset(), primary_key=True),
    sa.Column("name", _DATASET, primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("snapshot", _SNAPSHOT, sa.ForeignKey("data_versions.id"), nullable=False),
    sa.Column("moved", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
)
"""Branches and tags: one name, one of the two."""
data_pins = sa.Table(
    "data_pins",
    metadata,
    sa.Column("snapshot", _SNAPSHOT, sa.ForeignKey("data_versions.id"), primary_key=True),
    sa.Column("holder", sa.String(300), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""Who needs a snapshot for good: `run:ID` or `model:NAME/NUMBER`."""
