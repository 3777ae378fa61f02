"""The schema has a history: whoever opens a database brings it to the newest revision, once, and cheaply."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from noria.stores.database import Database
from noria.stores.migrations import draft, upgrade
from noria.stores.migrations.upgrade import NewerSchema


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A copy of the revisions, to which a test may add."""
    copy = tmp_path / "migrations"
    shutil.copytree(upgrade.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(upgrade, "FOLDER", copy)
    return copy / "versions"


def tables(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names())


def add_revision(history: Path, body: str) -> str:
    newest = upgrade.revisions()[-1]
    number = f"{int(newest) + 1:04d}"
    text = f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '{number}', '{newest}'\n"
    (history / f"{number}_test.py").write_text(text + f"def upgrade():\n    {body}\n")
    return number


def test_the_migrated_schema_is_the_declared_one(database):
    """When this fails, write a revision: python -m noria.stores.migrations.draft "what changes"."""
    database.migrate()
    with database.reading() as connection:
        assert draft.differences(connection, draft.import_tables()) == []


def test_the_baseline_makes_what_the_revisions_make(database):
    """When this fails: python -m noria.stores.migrations.draft --baseline."""
    with database.transaction() as connection:
        upgrade.upgrade_by_revisions(connection)
    with database.reading() as connection:
        by_revisions = draft.differences(connection, draft.import_tables())
    assert by_revisions == []
    before = {dialect: upgrade.baseline(dialect).read_text() for dialect in ("sqlite", "postgresql")}
    draft.write_baselines()
    assert {dialect: upgrade.baseline(dialect).read_text() for dialect in before} == before


def test_a_difference_is_seen(database):
    database.migrate()
    with database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE journal ADD COLUMN mood TEXT")
    with database.reading() as connection:
        assert "mood" in str(draft.differences(connection, draft.import_tables()))


def test_revisions_make_one_line():
    assert upgrade.revisions() == [f"{number:04d}" for number in range(1, len(upgrade.revisions()) + 1)]


def test_migrating_a_new_or_newest_database_imports_no_alembic(tmp_path):
    url = f"sqlite:///{tmp_path / 'noria.db'}"
    program = (
        "import sys; from noria.stores.database import Database\n"
        "database = Database(sys.argv[1]); database.migrate(); print('alembic' in sys.modules)"
    )
    told = [subprocess.check_output([sys.executable, "-c", program, url], text=True).strip() for _ in range(2)]
    assert told == ["False", "False"]  # an empty database is made from the baseline


def test_a_database_is_brought_on_with_what_it_holds(database, history):
    database.migrate()
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT)")
        connection.exec_driver_sql("CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents)")
        connection.exec_driver_sql("INSERT INTO parents VALUES (1, 'a')")
        connection.exec_driver_sql("INSERT INTO children VALUES (1, 1)")
    body = "with op.batch_alter_table('parents') as table: table.alter_column('name', nullable=False)"
    number = add_revision(history, body if not database.is_sqlite else body.replace("s')", "s', recreate='always')"))
    database.migrate()
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT p.name FROM children c JOIN parents p ON p.id = c.parent").all() == [
            ("a",)
        ]
        assert connection.exec_driver_sql("SELECT version_num FROM noria_schema").scalar() == number
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    nullable = {one["name"]: one["nullable"] for one in sa.inspect(database.engine).get_columns("parents")}
    assert nullable["name"] is False


def test_a_revision_that_fails_leaves_the_database_as_it_was(database, history):
    database.migrate()
    before = tables(database)
    add_revision(history, "op.create_table('half', sa.Column('x', sa.Integer)); raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        database.migrate()
    assert tables(database) == before
    shutil.rmtree(history)
    shutil.copytree(Path(upgrade.__file__).parent / "versions", history)
    database.migrate()


def test_a_later_releases_database_is_left_alone(database):
    database.migrate()
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE noria_schema SET version_num = '9999'")
    with pytest.raises(NewerSchema, match=r"revision 9999.*up to 0"):
        database.migrate()


def test_processes_that_migrate_at_once_wait_for_each_other(database):
    program = "import sys; from noria.stores.database import Database; Database(sys.argv[1]).migrate()"
    url = database.url.render_as_string(hide_password=False)
    running = [subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * 4
    assert "journal" in tables(database)


def test_the_next_revision_is_drafted_from_the_tables(history, monkeypatch, sqlite):
    assert draft.draft("nothing") is None
    metadata = draft.import_tables()
    grown = sa.MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(grown)
    sa.Table("owners", grown, sa.Column("name", sa.String(40), primary_key=True))
    monkeypatch.setattr(draft, "metadata", grown)
    written = draft.draft("rollouts know their owner")
    assert written is not None
    assert written.name.endswith("_rollouts_know_their_owner.py")
    assert "# ###" not in written.read_text()
    sqlite.migrate()
    assert "owners" in tables(sqlite)
    assert draft.draft("nothing") is None


def test_runs_and_versions_of_the_first_schema_are_carried_over(database, history):
    for file in history.glob("000[2-9]_*.py"):
        file.rename(file.with_suffix(".later"))
    with database.transaction() as connection:
        upgrade.upgrade_by_revisions(connection)
        for table, row in THE_FIRST_SCHEMA.items():
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    for file in history.glob("*.later"):
        file.rename(file.with_suffix(".py"))
    database.migrate()
    with database.reading() as connection:
        say = "SELECT r.id, e.name, r.state, p.name, p.value, m.name, l.value, r.started FROM runs r"
        say += " JOIN experiments e ON e.key = r.experiment JOIN run_params p ON p.run = r.key"
        say += " JOIN latest_metrics l ON l.run = r.key JOIN metric_names m ON m.key = l.metric"
        assert connection.exec_driver_sql(say).all() == [
            ("run_1", "lateness", "finished", "kind", "l2", "auc", 0.7, 5_000)
        ]
        say = "SELECT v.model, v.number, v.run, v.stage, a.alias FROM versions v JOIN aliases a ON a.model = v.model"
        assert connection.exec_driver_sql(say).all() == [("lateness", 1, "run_1", "production", "production")]
    with database.transaction() as connection:
        more = "INSERT INTO metric_names (name) VALUES ('brier') RETURNING key"
        assert connection.exec_driver_sql(more).scalar() == 2


THE_FIRST_SCHEMA = {
    "runs": {
        "id": "run_1", "model": "lateness", "kind": "turn", "state": "finished", "started": 5_000, "ended": 9_000,
        "inputs": "{}", "note": "",
    },
    "run_params": {"run": "run_1", "name": "kind", "value": '"l2"'},
    "run_metrics": {"run": "run_1", "name": "auc", "value": 0.7},
    "versions": {
        "model": "lateness", "number": 1, "identity": "x", "created": 6_000, "stage": "production",
        "value": '{"package": "ab12", "lineage": {"run": "run_1"}}',
    },
    "aliases": {"model": "lateness", "alias": "production", "version": 1, "moved": 7_000},
}  # fmt: skip
