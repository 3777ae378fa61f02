"""The tables of tracking: experiments, runs and what they logged, inputs, logged models, artifacts.

Runs, metric names and datasets have integer keys, which every other table refers to; the names people see
(`runs.id`, `metric_names.name`) stand once. Moments are microseconds, but a logged point's: `points.at` is what
the client said, and every tracking protocol says milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""An integer key that the database counts up by itself; on SQLite only INTEGER is the row's own number."""

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("name", sa.String(500), nullable=False, unique=True),
    sa.Column("artifact_root", sa.Text, nullable=False),
    sa.Column("stage", sa.String(8), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
)
experiment_tags = sa.Table(
    "experiment_tags",
    metadata,
    sa.Column("experiment", KEY, sa.ForeignKey("experiments.key"), primary_key=True),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("id", sa.String(256), nullable=False, unique=True),
    sa.Column("experiment", KEY, sa.ForeignKey("experiments.key"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("model", sa.String(255), nullable=False, index=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(256), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.String(8), nullable=False),
    sa.Column("started", sa.BigInteger),
    sa.Column("ended", sa.BigInteger),
    sa.Column("deleted", sa.BigInteger),
    sa.Column("artifact_root", sa.Text, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
sa.Index("runs_newest", runs.c.experiment, runs.c.stage, runs.c.started.desc(), runs.c.id)
run_params = sa.Table(
    "run_params",
    metadata,
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
run_tags = sa.Table(
    "run_tags",
    metadata,
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
metric_names = sa.Table(
    "metric_names",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
)
latest_metrics = sa.Table(
    "latest_metrics",
    metadata,
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("metric", KEY, sa.ForeignKey("metric_names.key"), primary_key=True),
    sa.Column("experiment", KEY, nullable=False),
    sa.Column("value", sa.Float(53), nullable=False),
    sa.Column("is_nan", sa.SmallInteger, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index(
    "latest_metrics_order",
    latest_metrics.c.experiment, latest_metrics.c.metric, latest_metrics.c.is_nan, latest_metrics.c.value,
    latest_metrics.c.run,
)  # fmt: skip
points = sa.Table(
    "points",
    metadata,
    sa.Column("run", KEY, primary_key=True),
    sa.Column("metric", KEY, primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.Float(53), primary_key=True),
    sa.Column("is_nan", sa.SmallInteger, primary_key=True),
    sqlite_with_rowid=False,
)
"""Points not yet sealed. The whole row is the key: the same point sent twice is one point."""
chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("run", KEY, primary_key=True),
    sa.Column("metric", KEY, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("first_step", sa.BigInteger, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("extremes", sa.LargeBinary, nullable=False),
    sa.Column("columns", sa.LargeBinary, nullable=False),
)
"""Sealed points, some thousands a row: `columns` holds steps, times and values, `extremes` the points to draw."""
datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("experiment", KEY, sa.ForeignKey("experiments.key"), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("source_type", sa.String(36), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("schema", sa.Text),
    sa.Column("profile", sa.Text),
    sa.UniqueConstraint("experiment", "name", "digest", name="datasets_identity"),
)
run_datasets = sa.Table(
    "run_datasets",
    metadata,
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("dataset", KEY, sa.ForeignKey("datasets.key"), primary_key=True),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("context", sa.String(500)),
)
"""Which data a run used; `tags` is a JSON object, `context` its `mlflow.data.context` for searching."""
logged_models = sa.Table(
    "logged_models",
    metadata,
    sa.Column("key", KEY, primary_key=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("experiment", KEY, sa.ForeignKey("experiments.key"), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("kind", sa.String(500)),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("state_message", sa.Text),
    sa.Column("source_run", sa.String(256)),
    sa.Column("artifact_root", sa.Text, nullable=False),
    sa.Column("stage", sa.String(8), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
)
sa.Index("logged_models_newest", logged_models.c.experiment, logged_models.c.stage, logged_models.c.created.desc())
logged_model_params = sa.Table(
    "logged_model_params",
    metadata,
    sa.Column("model", KEY, sa.ForeignKey("logged_models.key"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
logged_model_tags = sa.Table(
    "logged_model_tags",
    metadata,
    sa.Column("model", KEY, sa.ForeignKey("logged_models.key"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
logged_model_metrics = sa.Table(
    "logged_model_metrics",
    metadata,
    sa.Column("model", KEY, sa.ForeignKey("logged_models.key"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("value", sa.Float(53), nullable=False),
    sa.Column("is_nan", sa.SmallInteger, nullable=False),
    sa.Column("dataset", KEY),
    sa.Column("dataset_name", sa.String(500)),
    sa.Column("dataset_digest", sa.String(64)),
)
run_models = sa.Table(
    "run_models",
    metadata,
    sa.Column("run", KEY, sa.ForeignKey("runs.key"), primary_key=True),
    sa.Column("role", sa.String(8), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
)
"""Logged models that went into a run (`role` input) or came out of it (`role` output, at a step)."""
artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("path", sa.String(1500), primary_key=True),
    sa.Column("folder", sa.String(1500), nullable=False, index=True),
    sa.Column("digest", sa.String(64)),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)
"""A tree of names over blobs: `digest` names the bytes, and is null for a folder. No path is ever a file's."""
spools = sa.Table(
    "spools",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
)
"""How far a client's spool has been taken in: written with what it brought, so that nothing comes twice."""
refused_records = sa.Table(
    "refused_records",
    metadata,
    sa.Column("spool", sa.String(64), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
)
"""What a client sent and could not be taken in, with the reason: set aside, so that nothing behind it waits."""
