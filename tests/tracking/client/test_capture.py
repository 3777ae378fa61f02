"""What a run notes without being asked, and that each of it can be switched off."""

from __future__ import annotations

import time

import pytest

import noria
from noria.tracking.client.capture.environment import packages
from noria.tracking.client.capture.secrets import CROSSED_OUT, arguments, is_secret, without_secrets
from noria.tracking.client.capture.system import Gpus, Machine
from noria.tracking.client.captures import Wanted, wanted
from noria.tracking.records import Kept, Row, Tags


def test_the_machine_is_measured_while_a_run_goes_on(folder, spooled, monkeypatch):
    monkeypatch.setenv("NORIA_SYSTEM_SECONDS", "0.1")
    with noria.run(system=True):
        while not any(isinstance(one, Row) for one in spooled()):
            time.sleep(0.01)
    row = next(one for one in spooled() if isinstance(one, Row))
    assert {
        "system/cpu_utilization_percentage", "system/system_memory_usage_percentage", "system/process_memory_megabytes",
        "system/disk_available_megabytes", "system/network_receive_megabytes",
    } <= set(row.values)  # fmt: skip
    assert 0 < row.values["system/system_memory_usage_percentage"] <= 100


def test_a_machine_without_nvidia_gpus_has_none(tmp_path):
    gpus = {name.rpartition("_")[0] for name in Gpus().measure()}
    measured = Machine(str(tmp_path)).measure()
    assert all(name.startswith("system/gpu_") for name in gpus)
    assert "system/disk_usage_percentage" in measured


def test_everything_can_be_switched_off(folder, spooled, capsys):
    with noria.run(code=False, environment=False, console=False, system=False):
        print("not kept")
    assert not [one for one in spooled() if isinstance(one, Kept)]
    assert [one.values for one in spooled() if isinstance(one, Tags)] == [{"mlflow.user": spooled()[0].actor}]


@pytest.mark.parametrize("said", ["0", "false", "No", "OFF"])
def test_what_is_captured_is_asked_for_then_said_by_the_environment_and_else_everything(said):
    assert wanted({}, {}) == Wanted(True, True, True, True)
    environment = {"NORIA_CAPTURE_CONSOLE": said, "NORIA_CAPTURE_SYSTEM": "1"}
    assert wanted(environment, {"code": None, "system": False}) == Wanted(True, True, False, False)
    assert wanted(environment, {"console": True}).console


def test_packages_are_told_with_their_versions():
    import msgspec

    assert packages()["msgspec"] == msgspec.__version__
    assert packages()["sqlalchemy"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--token", "abc", "x"], ["--token", "***", "x"]),
        (["--api-key=abc"], ["--api-key=***"]),
        (["db.password=abc"], ["db.password=***"]),
        (["--secret", "--epochs", "3"], ["--secret", "--epochs", "3"]),
        (["--author", "ann", "--keys", "3"], ["--author", "ann", "--keys", "3"]),
        (["postgresql://a:b@h/x"], ["postgresql://***@h/x"]),
        (["ghp_0123456789", "sk-proj-abcdefgh", "AKIAABCDEFGHIJ"], ["***", "***", "***"]),
        (["plain", "s3same0pen"], ["plain", "***"]),
        ([], []),
    ],
)
def test_secrets_on_a_command_line_are_crossed_out(argv, told):
    assert arguments(argv, {"SERVICE_TOKEN": "s3same0pen", "PATH": "plain", "SHORT_TOKEN": "x"}) == told


def test_names_of_secrets_are_known():
    names = ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "HOME", "EPOCHS")
    assert [name for name in names if is_secret(name)] == ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD"]
    assert without_secrets("see https://ann:pw@h/x and http://h/y") == f"see https://{CROSSED_OUT}@h/x and http://h/y"
