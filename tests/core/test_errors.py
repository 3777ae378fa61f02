"""Errors finish the sentence: a code, what was asked, what exists, what to do next."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import noria
from noria.core.errors import Conflict, Fault, FaultyInput, NoriaError, NotFound, StorageFull


def test_an_error_tells_its_code_and_what_to_do():
    error = StorageFull("no room", hint="free room")
    assert str(error) == "[N1507] no room\n  → free room"
    assert error.as_dict() == {"code": "N1507", "error": "no room", "hint": "free room"}
    assert str(Conflict("changed")) == "[N1409] changed"


def test_what_is_not_found_is_told_with_what_there_is():
    assert str(NotFound("model", "latness", ["weather", "lateness"])) == (
        "[N1404] there is no model 'latness'; there are: lateness, weather\n  → did you mean 'lateness'?"
    )
    assert NotFound("model", "x", []).message == "there is no model 'x'; there is no model at all yet"
    assert NotFound("blob", "abc").message == "there is no blob 'abc'"
    many = NotFound("run", "x", [f"run_{number:02d}" for number in range(30)])
    assert many.message.endswith("run_19, ...")


def test_many_faults_are_one_error():
    error = FaultyInput(
        "flights.toml", [Fault("model.rate", "is no number", "write 0.1"), Fault("source", "is missing")]
    )
    assert str(error).splitlines() == [
        "[N1401] flights.toml has 2 faults:",
        "  - model.rate: is no number (write 0.1)",
        "  - source: is missing",
    ]
    assert "has 1 fault:" in str(FaultyInput("x", [Fault("a", "b")]))


@pytest.mark.parametrize("error", [
    Conflict("changed", hint="read again"), NotFound("model", "latness", ["lateness"]),
    FaultyInput("x", [Fault("a", "b", "c"), Fault("d", "e")], hint="mend it"),
])  # fmt: skip
def test_errors_travel_between_processes_as_they_are(error):
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert (str(found), found.args, vars(found)) == (str(error), error.args, vars(error))


def every_error(kind: type[NoriaError] = NoriaError) -> list[type[NoriaError]]:
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in every_error(one))]


def test_every_error_has_a_code_of_its_own():
    for module in pkgutil.walk_packages(noria.__path__, "noria."):
        if not module.name.startswith(("noria.testing", "noria.cli", "noria.stores.migrations")):
            importlib.import_module(module.name)
    ours = [one for one in every_error() if one.__module__.startswith("noria.")]
    codes = [one.code for one in ours]
    doubled = {one.__name__: one.code for one in ours if codes.count(one.code) > 1}
    assert doubled == {}


@pytest.mark.parametrize("status", [400, 404, 409, 500, 503, 507])
def test_statuses_are_those_of_http(status):
    assert any(one.status == status for one in every_error())
