"""The table of routings: one row a model, the last committed one. Older ones are in the journal."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

routings = sa.Table(
    "serving_routings",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("routing", sa.Text, nullable=False),
)
