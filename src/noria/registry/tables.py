"""The tables of the registry."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("identity", sa.String(64), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("stage", sa.String(32), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.UniqueConstraint("model", "identity", name="versions_identity"),
)
aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("alias", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("moved", sa.BigInteger, nullable=False),
)
