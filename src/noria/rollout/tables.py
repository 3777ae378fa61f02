"""The table of the rollout folder: every takeover, under way or ended."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(255), nullable=False, index=True),
    sa.Column("active", sa.String(255), unique=True),
    sa.Column("idempotency", sa.String(255), unique=True),
    sa.Column("champion", sa.Integer, nullable=False),
    sa.Column("challenger", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("stage_started", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)
"""`active` is the model's name while the rollout runs, then null: a model can have one running rollout only."""
