"""The runtime's tables: runs, their steps, and signals sent to them."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

_ACTIVE = sa.text("state NOT IN ('failed', 'cancelled')")

runs = sa.Table(
    "work_runs",
    metadata,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("workflow", sa.String(255), nullable=False),
    sa.Column("args", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("code", sa.String(255), nullable=False),
    sa.Column("dedup", sa.String(255)),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("wake_at", sa.BigInteger),  # workspace clock: nobody takes the run before, except by name
    sa.Column("waiting_for", sa.String(255)),
    sa.Column("submitted_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("lease_until", sa.BigInteger),  # lease clock, see lease.py: never the workspace's
    sa.Index("work_runs_ready", "state", "priority", "run"),
    sa.Index("work_runs_dedup", "dedup", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
)
"""A failed or cancelled run keeps its dedup key but no longer stands in the way of a new one."""

steps = sa.Table(
    "work_steps",
    metadata,
    sa.Column("run", sa.String(64), sa.ForeignKey("work_runs.run"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

signals = sa.Table(
    "work_signals",
    metadata,
    sa.Column("run", sa.String(64), sa.ForeignKey("work_runs.run"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("taken_by", sa.Integer),  # the step that received it
)
