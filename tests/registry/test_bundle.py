"""A model goes from one server to another in one file: everything arrives, twice is once, and damage is refused."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.digest import canonical, digest_bytes
from noria.core.errors import NoriaError, NotFound, Unavailable
from noria.core.schema import Column, Schema
from noria.data.model import Location, SourceSpec
from noria.data.operations import take_snapshot
from noria.optimization.operations import load_package
from noria.registry import aliases, approvals, history, model_versions, policies, registered_models, signatures, tags
from noria.registry import operations as registry
from noria.registry.bundle import BLOBS, MANIFEST, REGISTRY, BundleConflict, DamagedBundle
from noria.registry.bundle_export import export_bundle
from noria.registry.bundle_import import Imported, import_bundle
from noria.registry.model import Lineage
from noria.registry.names import ModelMissing
from noria.tracking.tables import artifacts

MODEL = "lateness"


def live(hall, tmp_path):
    """A model with everything: versions of both worlds, a deleted one, aliases, tags, a signature, words, lineage."""
    file = tmp_path / "january.parquet"
    pq.write_table(pa.table({"id": ["a"], "at": pa.array([1_000_000], pa.timestamp("us", "UTC"))}), file)
    schema = Schema((Column("id", "string"), Column("at", "time")), event_time="at", key="id")
    snapshot = take_snapshot(hall.ws, SourceSpec("Flight", schema, Location(path=str(file))))
    made = Lineage("run_1", {"Flight": snapshot.digest}, {"fingerprint": "c"}, {"depth": 3}, {}, {}, "f" * 64, 0)
    for key in ("one", "two"):
        hall.register_real(key, lineage=made)
        hall.later()
    ws = hall.ws
    blob = ws.blobs.put(b"flavors: sklearn")
    with ws.database.transaction() as connection:
        row = {"path": "1/r/artifacts/model/MLmodel", "folder": "1/r/artifacts/model", "digest": blob, "size": 16}
        connection.execute(sa.insert(artifacts).values(**row, created=0))
    model_versions.create_version(ws, MODEL, "mlflow-artifacts:/1/r/artifacts/model", run="r", tags={"a": "b"})
    model_versions.create_version(ws, MODEL, "s3://elsewhere/model", description="far away")
    model_versions.create_version(ws, MODEL, "s3://gone")
    model_versions.delete_version(ws, MODEL, 5)
    model_versions.transition_stage(ws, MODEL, 4, "Staging")
    tags.set_model_tag(ws, MODEL, "team", "delays")
    registered_models.update_model(ws, MODEL, "is it late?")
    pem, public = signatures.make_key()
    signatures.trust(ws, public, "ada")
    signatures.sign(ws, MODEL, 2, pem)
    approvals.approve(hall.as_("bea").ws, MODEL, 2, "fine")
    hall.promote(1), hall.promote(2)
    aliases.set_alias(ws, MODEL, "shadow", 3, reason="to compare")
    hall.later()
    hall.public = public
    return ws


def everything(ws, model=MODEL):
    """What a client can see of a model, and what history can tell; no moments at which rows were touched."""
    seen = registered_models.get_model(ws, model)
    told = [(one.at, one.kind, one.actor, one.origin) for one in history.timeline(ws, model)]
    return {
        "model": (seen.description, dict(seen.tags), dict(seen.aliases), seen.created),
        "versions": [
            (
                one.number, one.stage, one.source, one.run, one.description, one.actor, dict(one.tags), one.package,
                one.metrics, one.evaluation, one.gates, one.lineage, one.created, one.aliases,
            )
            for one in registry.list_versions(ws, model)
        ],
        "lineage": registry.lineage(ws, model, 1)["files"],
        "told": told,
    }  # fmt: skip


@pytest.fixture
def there(sqlite_hall, tmp_path):
    """A server with a live model, on SQLite."""
    live(sqlite_hall, tmp_path)
    return sqlite_hall


@pytest.fixture
def bundle(there, tmp_path):
    path = tmp_path / "lateness.tar"
    export_bundle(there.ws, MODEL, path)
    return path


class TestRoundTrip:
    @pytest.mark.parametrize("other", ["sqlite", "postgresql"])
    def test_everything_arrives(self, there, bundle, other, request, fresh_ws):
        ws = request.getfixturevalue("postgresql_ws") if other == "postgresql" else fresh_ws
        ws.clock.advance_to(there.ws.clock.now())
        found = import_bundle(ws, bundle)
        assert found == Imported(MODEL, (1, 2, 3, 4), (), ("production", "shadow"), {}, found.facts)
        before, after = everything(there.ws), everything(ws)
        assert {name: after[name] for name in ("model", "versions", "lineage")} == {
            name: before[name] for name in ("model", "versions", "lineage")
        }
        assert [one for one in after["told"] if one in before["told"]] == before["told"]
        for one in registry.list_versions(there.ws, MODEL)[:2]:
            package = load_package(ws, one.package)
            assert ws.blobs.get(package.model) == there.ws.blobs.get(package.model)
        assert model_versions.create_version(ws, MODEL, "s3://x").number == 6  # 5 was deleted there
        ws.journal.verify()

    def test_history_can_be_asked_there_as_here(self, there, bundle, fresh_ws):
        import_bundle(fresh_ws, bundle)
        moves = [one for one in history.timeline(there.ws, MODEL) if one.kind == "VersionPromoted"]
        for move in moves:
            for name in ("production", "shadow"):
                at = move.at
                assert history.alias_at(fresh_ws, MODEL, name, at) == history.alias_at(there.ws, MODEL, name, at)
            assert history.stages_at(fresh_ws, MODEL, move.at) == history.stages_at(there.ws, MODEL, move.at)
        assert registry.rollback(fresh_ws, MODEL, reason="worse here").number == 1

    def test_a_clock_behind_the_other_servers_tells_nothing_of_the_future(self, bundle, slow_ws):
        import_bundle(slow_ws, bundle)
        assert history.alias_at(slow_ws, MODEL, "production", slow_ws.clock.now()) == 2
        aliases.set_alias(slow_ws, MODEL, "shadow", 4)
        slow_ws.clock.advance_to(slow_ws.clock.now() + 3600_000_000)
        assert history.alias_at(slow_ws, MODEL, "shadow", slow_ws.clock.now()) == 4

    def test_twice_is_once(self, there, bundle, fresh_ws):
        import_bundle(fresh_ws, bundle)
        before, entries = everything(fresh_ws), len(fresh_ws.journal.read())
        found = import_bundle(fresh_ws, bundle)
        assert found == Imported(MODEL, (), (1, 2, 3, 4), (), {}, 0)
        assert (everything(fresh_ws), len(fresh_ws.journal.read())) == (before, entries)

    def test_what_was_added_there_since_comes_later(self, there, bundle, fresh_ws, tmp_path):
        import_bundle(fresh_ws, bundle)
        there.register_real("three")
        there.promote(6)
        export_bundle(there.ws, MODEL, tmp_path / "next.tar")
        found = import_bundle(fresh_ws, tmp_path / "next.tar")
        assert (found.versions, found.already) == ((6,), (1, 2, 3, 4))
        assert found.held_back == {"production": "it points at version 2 here, and at 6 in the bundle"}
        assert registry.alias(fresh_ws, MODEL).number == 2
        assert history.alias_at(fresh_ws, MODEL, "production", fresh_ws.clock.now()) == 2

    def test_and_back_again_nothing_is_new(self, there, bundle, fresh_ws, tmp_path):
        import_bundle(fresh_ws, bundle)
        export_bundle(fresh_ws, MODEL, tmp_path / "back.tar")
        assert import_bundle(there.ws, tmp_path / "back.tar").versions == ()
        assert [one.number for one in registry.list_versions(there.ws, MODEL)] == [1, 2, 3, 4]

    def test_a_signature_comes_along_and_trust_does_not(self, there, bundle, fresh_ws):
        import_bundle(fresh_ws, bundle)
        (one,) = signatures.verify(fresh_ws, MODEL, 2)
        assert one.outcome.value == "not run"
        signatures.trust(fresh_ws, there.public, "ada of the other server")
        (one,) = signatures.verify(fresh_ws, MODEL, 2)
        assert one.note == "signed by ada of the other server"

    def test_policies_here_decide_which_aliases_come_in(self, there, bundle, fresh_ws):
        policies.declare(fresh_ws, policies.Policy("production", (policies.Approvals(1),)))
        found = import_bundle(fresh_ws, bundle)
        assert found.aliases == ("shadow",)
        assert "1 approval" in found.held_back["production"]  # what bea said elsewhere does not count here
        assert registry.alias(fresh_ws, MODEL) is None
        assert registry.get_version(fresh_ws, MODEL, 2).stage == "candidate"
        assert history.alias_at(fresh_ws, MODEL, "production", fresh_ws.clock.now()) is None
        forced = import_bundle(fresh_ws, bundle, force=True, reason="both servers are ours")
        assert (forced.aliases, registry.alias(fresh_ws, MODEL).number) == (("production",), 2)

    def test_the_files_of_a_client_have_a_place_here(self, bundle, fresh_ws):
        import_bundle(fresh_ws, bundle)
        place = model_versions.download_uri(fresh_ws, MODEL, 3).removeprefix("mlflow-artifacts:/")
        with fresh_ws.database.reading() as connection:
            query = sa.select(artifacts.c.digest).where(artifacts.c.path == f"{place}/MLmodel")
            assert fresh_ws.blobs.get(connection.execute(query).scalar_one()) == b"flavors: sklearn"
        assert model_versions.download_uri(fresh_ws, MODEL, 4) == "s3://elsewhere/model"


class TestConflicts:
    def test_a_version_with_other_content_stops_it_all(self, bundle, fresh_ws):
        registered_models.create_model(fresh_ws, MODEL)
        for _ in range(2):
            model_versions.create_version(fresh_ws, MODEL, "s3://something else")
        entries = len(fresh_ws.journal.read())
        with pytest.raises(BundleConflict, match="version 1, 2 here already") as caught:
            import_bundle(fresh_ws, bundle)
        assert caught.value.numbers == [1, 2]
        assert len(fresh_ws.journal.read()) == entries
        assert len(registry.list_versions(fresh_ws, MODEL)) == 2

    def test_a_model_that_is_not_there_and_bytes_that_are_gone(self, there, tmp_path):
        with pytest.raises(ModelMissing):
            export_bundle(there.ws, "nothing", tmp_path / "x.tar")
        there.ws.blobs.path(registry.get_version(there.ws, MODEL, 1).model_digest).unlink()
        with pytest.raises(NotFound):
            export_bundle(there.ws, MODEL, tmp_path / "x.tar")
        with pytest.raises(Unavailable):
            import_bundle(there.ws, tmp_path / "none.tar")
        assert not list(tmp_path.glob("*x.tar*"))

    def test_a_folder_that_cannot_be_written(self, there, tmp_path):
        with pytest.raises(Unavailable):
            export_bundle(there.ws, MODEL, tmp_path / "none" / "x.tar")


def members(path):
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}


def write(path, contents, **more):
    with tarfile.open(path, "w") as tar:
        for name, data in contents.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
        for name, header in more.items():
            header.name = header.name or name
            tar.addfile(header)
    return path


def rewritten(path, change, to):
    """The bundle with a changed `registry.json`, whose manifest agrees with it."""
    inside = members(path)
    document = json.loads(inside[REGISTRY])
    change(document)
    inside[REGISTRY] = canonical(document).encode()
    manifest = json.loads(inside[MANIFEST])
    manifest["files"][REGISTRY] = {"size": len(inside[REGISTRY]), "sha256": digest_bytes(inside[REGISTRY])}
    inside[MANIFEST] = canonical(manifest).encode()
    return write(to, inside)


def untouched(ws):
    return ws.journal.read() == [] and registered_models.list_models(ws) == []


def _file(name):
    def change(document):
        document["versions"][2]["files"] = {name: next(iter(document["versions"][2]["files"].values()))}

    return change


def _version(place, /, **values):
    return lambda document: document["versions"][place].update(values)


def _fact(**values):
    return lambda document: document["history"][0].update(values)


def _with(name, **values):
    return lambda document: document[name].update(values)


HOSTILE = {
    "file ..": _file("../../etc/passwd"), "file /": _file("/etc/passwd"), "file inside": _file("a/../../b"),
    "file nul": _file("a\x00b"), "file back": _file("..\\..\\x"), "file coded": _file("%2e%2e/x"),
    "file empty": _file(""), "file dot": _file("."),
    "name": lambda document: document.update(model="../evil"), "kind": lambda document: document.update(kind="x/2"),
    "no name": lambda document: document.pop("model"), "tag": lambda document: document["tags"].update({"a;b": "c"}),
    "alias": _with("aliases", latest=1), "alias to none": _with("aliases", x=99),
    "alias to a deleted one": _with("aliases", x=5),
    "number": _version(0, number=2), "negative": _version(0, number=-1), "huge": _version(0, number=2**40),
    "stage": _version(0, stage="heaven"), "value": _version(0, value="{}x"),
    "value type": _version(0, value='{"metrics": 7}'),
    "blob": _version(0, files={"x": "0" * 64}), "blob path": _version(0, files={"x": "../../x"}),
    "nul": _version(0, source="a\x00"), "long": _version(0, run="x" * 300),
    "signature": _version(1, signatures=[{"key": "k"}]), "moment": _version(0, created=2**63),
    "fact kind": _fact(kind="TurnStarted"), "fact origin": _fact(origin="x"), "fact actor": _fact(actor="x" * 300),
    "fact nul": _fact(data={"version": 1, "x": "\x00"}), "fact version": _fact(data={"version": "one"}),
    "fact nested": _fact(data={"version": 1, "imported": {"at": 0}}), "fact moment": _fact(at=2**63),
    "snapshot": lambda document: document["snapshots"].update({"0" * 64: "{}"}),
}  # fmt: skip


class TestDamage:
    @pytest.mark.parametrize("change", HOSTILE)
    def test_a_document_that_says_what_none_may_say(self, bundle, fresh_ws, tmp_path, change):
        path = rewritten(bundle, HOSTILE[change], tmp_path / "hostile.tar")
        with pytest.raises(DamagedBundle):
            import_bundle(fresh_ws, path)
        assert untouched(fresh_ws)

    @pytest.mark.parametrize(
        "name", ["../evil", "/etc/evil", "blobs/../x", "blobs/short", "registry.json/x", "x", "blobs/" + "0" * 65, ""]
    )
    def test_a_member_that_no_bundle_has(self, bundle, fresh_ws, tmp_path, name):
        with pytest.raises(DamagedBundle):
            import_bundle(fresh_ws, write(tmp_path / "hostile.tar", members(bundle) | {name: b"x"}))
        assert untouched(fresh_ws)
        assert not (tmp_path.parent / "evil").exists()

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
    def test_a_member_that_is_no_file(self, bundle, fresh_ws, tmp_path, kind):
        header = tarfile.TarInfo(f"{BLOBS}{'0' * 64}")
        header.type, header.linkname = kind, "/etc/passwd"
        with pytest.raises(DamagedBundle):
            import_bundle(fresh_ws, write(tmp_path / "hostile.tar", members(bundle), x=header))
        assert untouched(fresh_ws)

    @pytest.mark.parametrize("missing", [MANIFEST, REGISTRY, BLOBS])
    def test_a_member_that_is_missing_or_changed(self, bundle, fresh_ws, tmp_path, missing):
        whole = members(bundle)
        name = next(one for one in whole if one.startswith(missing))
        without = {one: data for one, data in whole.items() if one != name}
        changed = whole | {name: whole[name][:-1] + b"!"}
        for contents in (without, changed):
            with pytest.raises(DamagedBundle):
                import_bundle(fresh_ws, write(tmp_path / "hostile.tar", contents))
        assert untouched(fresh_ws)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_a_file_cut_off_or_changed_anywhere(self, bundle, fresh_ws, tmp_path, data):
        """Whatever was changed: it is refused and nothing is taken in, or it was a byte that says nothing."""
        whole = bundle.read_bytes()
        place = data.draw(st.integers(0, len(whole) - 1))
        cut = data.draw(st.booleans())
        damaged = whole[:place] if cut else whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        path = tmp_path / "damaged.tar"
        path.write_bytes(damaged)
        try:
            import_bundle(fresh_ws, path)
        except NoriaError:
            return
        assert everything(fresh_ws)["model"][2] == {"production": 2, "shadow": 3}

    @pytest.mark.parametrize("content", [b"", b"no tar", b"\x00" * 10240, b"\x1f\x8b\x08" + b"\x00" * 100])
    def test_what_is_no_tar(self, fresh_ws, tmp_path, content):
        path = tmp_path / "x.tar"
        path.write_bytes(content)
        with pytest.raises(DamagedBundle):
            import_bundle(fresh_ws, path)
