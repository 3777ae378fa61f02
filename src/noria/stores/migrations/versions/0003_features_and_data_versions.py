"""features and data versions"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run by `Database.migrate`, in one transaction with the revisions before and after it."""
    op.create_table(
        "feature_views",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "package_views",
        sa.Column("package", sa.String(length=64), nullable=False),
        sa.Column("view", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("package", "view"),
    )
    with op.batch_alter_table("package_views", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_package_views_digest"), ["digest"], unique=False)

    op.create_table(
        "versioned_datasets",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("tables", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "data_versions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=200), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"],
            ["versioned_datasets.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("data_versions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_versions_dataset"), ["dataset"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_versions_run"), ["run"], unique=False)

    op.create_table(
        "feature_view_versions",
        sa.Column("view", sa.String(length=255), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["view"],
            ["feature_views.name"],
        ),
        sa.PrimaryKeyConstraint("view", "number"),
        sa.UniqueConstraint("view", "digest", name="feature_view_versions_digest"),
    )
    op.create_table(
        "data_pins",
        sa.Column("snapshot", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot"],
            ["data_versions.id"],
        ),
        sa.PrimaryKeyConstraint("snapshot", "holder"),
    )
    op.create_table(
        "data_refs",
        sa.Column("dataset", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("snapshot", sa.String(length=64), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset"],
            ["versioned_datasets.name"],
        ),
        sa.ForeignKeyConstraint(
            ["snapshot"],
            ["data_versions.id"],
        ),
        sa.PrimaryKeyConstraint("dataset", "name"),
    )
    op.create_table(
        "feature_view_figures",
        sa.Column("view", sa.String(length=255), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["view", "number"],
            ["feature_view_versions.view", "feature_view_versions.number"],
            name="feature_view_figures_version",
        ),
        sa.PrimaryKeyConstraint("view", "number", "model"),
    )
