"""The tables of durable work."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

work_runs = sa.Table(
    "work_runs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("workflow", sa.String(128), nullable=False),
    sa.Column("args", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("dedup", sa.String(255), unique=True),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("wake_at", sa.BigInteger),
    sa.Column("waiting_for", sa.String(128)),
    sa.Column("result", sa.Text),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Index("work_runs_queue", "state", "priority", "created"),
)
work_steps = sa.Table(
    "work_steps",
    metadata,
    sa.Column("run", sa.String(64), sa.ForeignKey("work_runs.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("result", sa.Text),
)
work_signals = sa.Table(
    "work_signals",
    metadata,
    sa.Column("run", sa.String(64), sa.ForeignKey("work_runs.id"), primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
