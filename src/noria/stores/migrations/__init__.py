"""The history of the schema: one numbered file for each change, run in order by Alembic."""
