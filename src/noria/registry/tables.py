"""The tables of the registry.

Models are known by their names, which rows of the registry refer to with `ON UPDATE CASCADE`: renaming is one
update. A deleted version stays as a row in the stage `deleted`, so that its number is never given again.
"""

from __future__ import annotations

import sqlalchemy as sa

from noria.stores.database import metadata
from noria.tracking.tables import KEY

NAME = sa.String(256)


def _of_model() -> sa.ForeignKey:
    return sa.ForeignKey("registered_models.name", onupdate="CASCADE", ondelete="CASCADE")


registered_models = sa.Table(
    "registered_models",
    metadata,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("description", sa.Text),
)
registered_model_tags = sa.Table(
    "registered_model_tags",
    metadata,
    sa.Column("model", NAME, _of_model(), primary_key=True),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
versions = sa.Table(
    "versions",
    metadata,
    sa.Column("model", NAME, _of_model(), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("identity", sa.String(64)),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("stage", sa.String(32), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("storage", sa.Text, nullable=False),
    sa.Column("run", sa.String(256), index=True),
    sa.Column("run_link", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("actor", sa.String(256), nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("status_message", sa.Text),
    sa.Column("logged_model", sa.String(64)),
    sa.Column("value", sa.Text),
    sa.UniqueConstraint("model", "identity", name="versions_identity"),
)
"""`value` is what Noria knows of a version it packaged, as JSON; null for what a client of MLflow registered."""
version_tags = sa.Table(
    "version_tags",
    metadata,
    sa.Column("model", NAME, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["model", "number"], ["versions.model", "versions.number"],
        name="version_tags_version", onupdate="CASCADE", ondelete="CASCADE",
    ),
)  # fmt: skip
aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("model", NAME, _of_model(), primary_key=True),
    sa.Column("alias", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("moved", sa.BigInteger, nullable=False),
)
package_views = sa.Table(
    "package_views",
    metadata,
    sa.Column("package", sa.String(64), primary_key=True),
    sa.Column("view", sa.String(255), primary_key=True),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
)
"""Which feature views the model of a package reads, by the digest of what each means. A package with none has one
row whose view is empty, so that it need not be looked into again."""
bundled_snapshots = sa.Table(
    "bundled_snapshots",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Data snapshots as bundles describe them: good for telling a lineage, and nothing is ever computed with them."""
policies = sa.Table(
    "registry_policies",
    metadata,
    sa.Column("model", NAME, primary_key=True),
    sa.Column("alias", sa.String(255), primary_key=True),
    sa.Column("needs", sa.Text, nullable=False),
    sa.Column("declared", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(256), nullable=False),
)
"""What an alias needs before it may move to a version; an empty model means every one. `needs` is a JSON list."""
signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("public", sa.Text, nullable=False),
    sa.Column("owner", sa.String(256), nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False),
    sa.Column("withdrawn", sa.BigInteger),
)
"""Public keys that are trusted; `key` is the SHA-256 of the raw public key, `public` the same bytes in base64."""
signatures = sa.Table(
    "version_signatures",
    metadata,
    sa.Column("model", NAME, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("signed", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["model", "number"], ["versions.model", "versions.number"],
        name="version_signatures_version", onupdate="CASCADE", ondelete="CASCADE",
    ),
)  # fmt: skip
webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("secret", sa.Text),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("deleted", sa.BigInteger),
)
outbox = sa.Table(
    "webhook_outbox",
    metadata,
    sa.Column("seq", KEY, primary_key=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("webhook", sa.String(64), sa.ForeignKey("webhooks.id"), nullable=False),
    sa.Column("event", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("error", sa.Text),
)
"""What webhooks are owed, written in the transaction of the change. `id` is the delivery's, `seq` keeps the order."""
sa.Index("webhook_outbox_due", outbox.c.state, outbox.c.due)
