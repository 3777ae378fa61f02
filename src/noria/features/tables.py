"""The tables of the feature registry: views, their versions, and what was seen of each version's features."""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata

VIEW = sa.String(255)

views = sa.Table(
    "feature_views",
    metadata,
    sa.Column("name", VIEW, primary_key=True),
    sa.Column("current", sa.Integer, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
)
"""`current` is the version that was declared last."""

view_versions = sa.Table(
    "feature_view_versions",
    metadata,
    sa.Column("view", VIEW, sa.ForeignKey("feature_views.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.UniqueConstraint("view", "digest", name="feature_view_versions_digest"),
)
"""`digest` is that of the definition's meaning; `definition` is JSON as it was first written."""

view_figures = sa.Table(
    "feature_view_figures",
    metadata,
    sa.Column("view", VIEW, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["view", "number"], ["feature_view_versions.view", "feature_view_versions.number"],
        name="feature_view_figures_version",
    ),
)  # fmt: skip
"""The newest `ViewFigures` of each version that a turn of each model saw, as JSON."""
