"""The tables of the data folder: what is known of files, of their checked rows, and of snapshots."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

file_index = sa.Table(
    "file_index",
    metadata,
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified", sa.BigInteger, nullable=False),
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
sifted_files = sa.Table(
    "sifted_files",
    metadata,
    sa.Column("raw", sa.String(64), primary_key=True),
    sa.Column("rules", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("source", sa.String(255), nullable=False, index=True),
    sa.Column("taken", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
checked_snapshots = sa.Table(
    "checked_snapshots",
    metadata,
    sa.Column("snapshot", sa.String(64), primary_key=True),
    sa.Column("rules", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
accepted_sources = sa.Table(
    "accepted_sources",
    metadata,
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("snapshot", sa.String(64), nullable=False),
    sa.Column("as_of", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
