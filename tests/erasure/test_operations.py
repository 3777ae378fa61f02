"""One aircraft is forgotten in a project that has trained, served and replayed: everywhere, and nobody else is."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flights_project import FlightsProject
from noria.config.settings import settings_for
from noria.core.clock import SystemClock
from noria.core.errors import BadInput
from noria.erasure.model import StillRunning
from noria.erasure.operations import certificates, erase, look, subject_of
from noria.registry import model_versions
from noria.serving.log_columns import PREDICTIONS
from noria.serving.log_files import LogFiles
from noria.stores.spool import Spool
from noria.workspace.workspace import open_workspace


@pytest.fixture
def project(replayed, tmp_path):
    return FlightsProject(Path(shutil.copytree(replayed.root, tmp_path / "flights")))


@pytest.fixture
def ws(project):
    ws = open_workspace(project.root, settings_for(project.root, {}, {}), SystemClock())
    yield ws
    ws.close()


def predictions(ws):
    return LogFiles(ws.settings.home / "log", PREDICTIONS).read()[0]


@pytest.fixture
def tailnum(ws):
    """The aircraft that was asked about most."""
    asked = Counter(one.request["tailnum"] for one in predictions(ws))
    return next(tail for tail, _ in asked.most_common() if tail)


def flights(root, tailnum):
    tables = [pq.read_table(path, columns=["tailnum"]) for path in sorted(root.glob("data/*s/2013-*.parquet"))
              if "tailnum" in pq.read_schema(path).names]  # fmt: skip
    tails = [tail for table in tables for tail in table["tailnum"].to_pylist()]
    return tails.count(tailnum), len(tails)


def test_nothing_names_it_any_more_and_everything_else_is_there(project, ws, tailnum):
    subject = subject_of(f"tailnum={tailnum}")
    _, found = look(ws, subject)
    assert {Path(hit.file).suffix for hit in found} >= {"", ".parquet", ".spool", ".mdb"}
    mine, all_rows = flights(project.root, tailnum)
    before = predictions(ws)

    certificate = erase(ws, subject)

    assert certificate.remaining == ()
    assert look(ws, subject)[1] == ()
    assert flights(project.root, tailnum) == (0, all_rows - mine)
    kinds = Counter(place.kind for place in certificate.places)
    assert set(kinds) == {"table", "snapshot", "training frame", "database", "online store", "prediction log", "spool"}
    assert certificate.models == ("lateness/1",)
    assert sum(place.found for place in certificate.places if place.kind == "table") == mine > 0

    after = predictions(ws)
    assert [one.prediction_id for one in after] == [one.prediction_id for one in before]
    others = [one for one in before if one.request["tailnum"] != tailnum]
    assert [one for one in after if one.model == "lateness"] == others


def test_the_certificate_names_no_one_and_can_be_checked(ws, tailnum):
    certificate = erase(ws, subject_of(f"tailnum={tailnum}"))
    (kept,) = (ws.settings.home / "erasures").glob("*.json")
    assert tailnum not in kept.read_text()
    assert certificates(ws) == [certificate]
    assert subject_of(f"tailnum={tailnum}").sealed(certificate.salt) == certificate.subject


def test_lineage_is_readable_and_the_wheel_goes_on(project, ws, tailnum):
    certificate = erase(ws, subject_of(f"tailnum={tailnum}"))
    assert ws.journal.verify() > 0
    assert model_versions.get_version(ws, "lateness", 1).tags["noria.erased"] == certificate.id
    assert "SubjectErased" in {one.kind for one in ws.journal.read(limit=5, newest_first=True)}
    assert project.noria("lineage", "lateness")
    assert project.run()["version"] == 2
    assert look(ws, subject_of(f"tailnum={tailnum}"))[1] == ()


def test_erasing_again_does_nothing_more(ws, tailnum):
    subject = subject_of(f"tailnum={tailnum}")
    erase(ws, subject)
    assert erase(ws, subject).places == ()


def test_a_running_server_is_not_robbed_of_its_files(project, ws, tailnum):
    mine = flights(project.root, tailnum)
    spool = Spool(ws.settings.home / "serving" / "events")
    with pytest.raises(StillRunning, match="stop `noria up`"):
        erase(ws, subject_of(f"tailnum={tailnum}"))
    spool.close()
    assert flights(project.root, tailnum) == mine


def test_the_command_tells_first_and_erases_then(project, tailnum):
    told = project.noria("erase", f"tailnum={tailnum}", "--dry-run")
    assert told["found"]
    assert project.noria("erase", f"tailnum={tailnum}", "--dry-run") == told
    assert project.noria("erase", f"tailnum={tailnum}", "--yes")["remaining"] == []
    assert json.loads((project.root / "replay.json").read_text())["errors"] == 0


@pytest.mark.parametrize("text", ["N14228", "=N14228", "tailnum=", "tailnum=N", "a b=N14228", "tailnum"])
def test_a_subject_that_is_none_is_refused(text):
    with pytest.raises(BadInput):
        subject_of(text)
