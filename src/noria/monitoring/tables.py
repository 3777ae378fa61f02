"""The tables of the monitoring folder: how every monitor stands, and every number it has seen."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

monitors = sa.Table(
    "monitors",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("quantity", sa.String(255), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("alarmed", sa.Boolean, nullable=False),
    sa.Column("streak", sa.Integer, nullable=False),
    sa.Column("counted", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""The standing of each rule: `streak` evaluations beyond its threshold in a row, the last counted at `counted`."""

measurements = sa.Table(
    "measurements",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("threshold", sa.Float),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("low", sa.Float),
    sa.Column("high", sa.Float),
    sa.Column("reference", sa.Float),
    sa.Column("note", sa.Text, nullable=False),
)
"""What monitors saw, a row a subject and moment."""

sa.Index("measurements_by_time", measurements.c.model, measurements.c.at)
