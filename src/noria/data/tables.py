"""The data folder's tables: what is known of files, and which snapshot of a source was accepted last."""

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
