"""What Alembic runs to come to its work: the connection is ours, and already in a transaction."""

from alembic import context

from noria.stores.migrations.upgrade import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table only by making it anew
    transactional_ddl=True,
)
context.run_migrations()
