"""The table of step results."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

step_results = sa.Table(
    "step_results",
    metadata,
    sa.Column("step", sa.String(255), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False, index=True),
)
