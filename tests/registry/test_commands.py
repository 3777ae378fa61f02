"""What people ask at the command line: models, approvals, signatures, bundles, and where an answer came from."""

import json

import msgspec
import pytest
from typer.testing import CliRunner

from noria.cli.main import app
from noria.core.errors import BadInput, NotFound
from noria.registry import model_versions, registered_models
from noria.registry import operations as registry
from noria.registry.policies import PolicyUnmet
from noria.serving.log import PredictionLog, log_path
from noria.serving.model import PredictionRecord
from noria.testing.workspace import make_workspace


class Shell:
    """A project folder, and `noria` run in it."""

    def __init__(self, root):
        self.root = root
        (root / "project.py").write_text("import noria\nproject = noria.Project('x')\n")
        self.ws = make_workspace(root)

    def __call__(self, *arguments, code=0):
        done = CliRunner().invoke(app, [*arguments, "-C", str(self.root)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def noria(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.ws.close()


@pytest.fixture
def live(noria, hall_of):
    """A project with a version in production and one that a client registered."""
    hall = hall_of(noria.ws)
    hall.register_real()
    hall.promote(1)
    registered_models.create_model(noria.ws, "iris", description="flowers")
    model_versions.create_version(noria.ws, "iris", "s3://x", run="r1")
    return noria


def test_nothing_is_registered_yet(noria):
    assert "No model has been registered yet" in noria("models")
    assert noria.json("models") == []


def test_the_models_and_one_of_them(live):
    assert [one["name"] for one in live.json("models")] == ["iris", "lateness"]
    for text in ("lateness", "production=1", "1 production", "iris"):
        assert text in live("models")
    shown = live.json("models", "lateness")
    assert [(one["number"], one["metrics"], one["aliases"]) for one in shown["versions"]] == [
        (1, {"brier": 0.15}, ["production"])
    ]
    assert shown["moves"][0]["data"]["reason"] == "by hand"
    assert live("models", "show", "iris").startswith("iris  flowers")


def test_a_policy_an_approval_and_a_signature(live):
    ws, key = live.ws, live.root / "ada.pem"
    assert "needs: gate passed, signature valid, 1 approval that is not the author's" in live(
        "models", "policy", "shadow", "--model", "lateness", "--gate", "--signed", "--approvals", "1"
    )
    with pytest.raises(PolicyUnmet):
        registry.aliases.set_alias(ws, "lateness", "shadow", 1)
    assert "is trusted here" in live("models", "key", str(key), "--owner", "ada")
    assert key.stat().st_mode & 0o077 == 0
    assert "passed (signed by ada)" in live("models", "sign", "lateness@1", "--key", str(key))
    assert "approves of version 1" in live("models", "approve", "models:/lateness/1", "--reason", "looked at it")
    assert "rejects version 1" in live("models", "reject", "lateness", "--reason", "looked again")
    outcomes = {(one["model"], one["outcome"]) for one in live.json("models", "--verify")}
    assert outcomes == {("iris", "not run"), ("lateness", "passed")}
    ws.blobs.path(registry.get_version(ws, "lateness", 1).model_digest).write_bytes(b"changed")
    assert "failed" in live("models", "lateness", "--verify", code=1)


def test_a_bundle_goes_out_and_in(live, tmp_path_factory):
    other = Shell(tmp_path_factory.mktemp("other"))
    file = str(live.root / "lateness.tar")
    assert "lateness: 1 versions" in live("models", "export", "lateness", file)
    assert "1 versions are new" in other("models", "import", file)
    assert other.json("models", "import", file)["already"] == [1]
    assert registry.alias(other.ws, "lateness").number == 1
    other.ws.close()


def test_where_an_answer_came_from(live):
    log = PredictionLog(log_path(live.ws), background=False)
    known = {
        number: PredictionRecord(
            prediction_id=f"ask-{number}", model="lateness", version=1, key="UA1", at=number, request={"origin": "JFK"},
            features={}, arm="champion", output=0.25, latency=80.0, other_version=None, other_output=None, rollout=None,
        )
        for number in range(6)
    }  # fmt: skip
    for number, record in known.items():
        log.append(record)
        if number % 2:
            log.seal()
    for number in (0, 3, 5):
        found = live.json("lineage", "--prediction", f"ask-{number}")
        assert (found["prediction"]["request"], found["prediction"]["at"]) == ({"origin": "JFK"}, number)
        assert (found["lineage"]["version"], found["lineage"]["run"]) == (1, "run_1")
    log.append(msgspec.structs.replace(known[0], prediction_id="new"))
    assert live.json("lineage", "--prediction", "new")["prediction"]["prediction_id"] == "new"
    log.close()
    with pytest.raises(NotFound, match="no prediction 'ask-9'"):
        live("lineage", "--prediction", "ask-9")
    for arguments in ((), ("lateness", "--prediction", "x")):
        with pytest.raises(BadInput):
            live("lineage", *arguments)


def test_a_version_of_the_past(live):
    assert live.json("lineage", "models:/lateness@production?at=2030-01-01")["version"] == 1
    with pytest.raises(NotFound):
        live("lineage", "lateness@production?at=2013-06-01")
