"""The tables of Noria, as SQLAlchemy knows them. Each folder declares its own in its `tables.py`."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
"""Every table of Noria whose folder has been imported."""
