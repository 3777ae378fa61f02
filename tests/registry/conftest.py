"""A registry on each kind of database, and a way to register a version in one word."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from noria.core.clock import ManualClock
from noria.core.digest import digest
from noria.core.rules import Outcome, Verdict
from noria.features.model import InputSet
from noria.optimization.model import Package
from noria.optimization.operations import save_package
from noria.registry import operations as registry
from noria.registry.model import Lineage
from noria.stores.journal import Fact, Journal
from noria.testing.postgres import PostgresServer
from noria.testing.workspace import NOON, make_workspace
from noria.validation.model import Estimate, Evaluation, GateSheet

MINUTE = 60_000_000


class Hall:
    """The register of the model `lateness`, and everything that happens in it a minute apart."""

    def __init__(self, ws):
        self.ws, self.count = ws, 0

    def later(self):
        self.ws.clock.advance_to(self.ws.clock.now() + MINUTE)
        return self.ws.clock.now()

    def register(self, model="lateness", outcome=Outcome.PASSED, key=None, **given):
        self.count += 1
        key = key or digest([model, self.count])
        package = Package(
            "d", "onnx", digest(["graph", key]), "g" * 64, InputSet("Flight", "id", "asked_at", (), (), ()), (),
            "late", "classification", 10, why_native=given.pop("why_native", ""),
        )  # fmt: skip
        values = {
            "model": model, "package": package, "package_digest": "p" * 64, "profile": None, "idempotency": key,
            "evaluation": Evaluation(500, 0, 1, {"brier": Estimate(0.15, 0.14, 0.16, 500)}, {"brier": 0.25}),
            "gates": GateSheet((Verdict("brier <= 0.2", outcome, 0.15, 0.2),)),
            "lineage": Lineage("run_1", {}, {"fingerprint": "c"}, {"max_iter": 150}, {}, {}, "f" * 64, 0),
            "stage": "candidate" if outcome is Outcome.PASSED else "refused",
        }  # fmt: skip
        return registry.register(self.ws, **(values | given))

    def register_real(self, key="real", **given):
        """A version whose package, graph, golden rows and profile are blobs that are really here."""
        blobs = self.ws.blobs
        inputs = InputSet("Flight", "id", "asked_at", (), (), ())
        graph, golden = blobs.put(f"graph of {key}".encode()), blobs.put(f"golden rows of {key}".encode())
        package = Package(digest(key), "onnx", graph, golden, inputs, (), "late", "classification", 10)
        named = save_package(self.ws, package)
        profile = blobs.put(b"a profile")
        return self.register(key=key, package=package, package_digest=named, profile=profile, **given)

    def as_(self, actor):
        """The same register as somebody else sees it."""
        settings = replace(self.ws.settings, actor=actor)
        other = Hall(replace(self.ws, settings=settings, journal=Journal(self.ws.database, self.ws.clock, actor)))
        other.count = self.count
        return other

    def promote(self, number, **given):
        self.later()
        return registry.promote(self.ws, "lateness", number, reason="by hand", **given)

    def rollback(self):
        self.later()
        return registry.rollback(self.ws, "lateness", reason="it answers worse")

    def stage(self, number, stage, model="lateness"):
        with self.ws.database.transaction() as connection:
            registry.set_stage(self.ws, connection, model, number, stage, "because")

    def stages(self):
        return [one.stage for one in registry.list_versions(self.ws, "lateness")]

    def production(self):
        found = registry.alias(self.ws, "lateness")
        return found.number if found else None

    def facts(self, *kinds):
        return [(one.kind, one.data) for one in self.ws.journal.read(kinds=kinds, subject="model:lateness")]

    def note(self, kind):
        with self.ws.database.transaction() as connection:
            self.ws.journal.append(connection, Fact(kind, "model:lateness", {}))


@pytest.fixture(scope="session")
def server():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def sqlite_ws(tmp_path):
    ws = make_workspace(tmp_path / "sqlite")
    yield ws
    ws.close()


@pytest.fixture
def postgresql_ws(request, server, tmp_path):
    """A workspace on a database of its own."""
    name = f"hall_{digest(request.node.nodeid)[:16]}"
    admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    url = sa.make_url(server.url).set(database=name).render_as_string(hide_password=False)
    ws = make_workspace(tmp_path / "postgresql", database=url)
    yield ws
    ws.close()


@pytest.fixture
def fresh_ws(tmp_path):
    """Another server, on which nothing is registered, an hour later."""
    ws = make_workspace(tmp_path / "other", ManualClock(NOON + 60 * MINUTE))
    yield ws
    ws.close()


@pytest.fixture
def slow_ws(tmp_path):
    """A third one, whose clock is an hour behind."""
    ws = make_workspace(tmp_path / "slow", ManualClock(NOON - 60 * MINUTE))
    yield ws
    ws.close()


@pytest.fixture
def sqlite_hall(sqlite_ws):
    return Hall(sqlite_ws)


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request):
    """The same meanings on both databases."""
    return Hall(request.getfixturevalue(f"{request.param}_ws"))


@pytest.fixture
def hall_of():
    return Hall
