"""Finding a project and importing it."""

from __future__ import annotations

import pytest

from noria.core.errors import BadInput, NotFound
from noria.project.load import ModuleBroken, find_module, load
from noria.project.model import DeclarationFaulty


def test_the_functions_of_a_plan_are_the_users_own(example):
    loaded = load(example)
    assert sorted(loaded.functions) == ["flights:hour_of_day", "flights:lateness"]
    assert loaded.plan.model().training.function in loaded.functions
    assert (loaded.root, loaded.module.name) == (example.resolve(), "flights.py")


def test_a_folder_without_a_project_says_how_to_start_one(tmp_path):
    (tmp_path / "other.py").write_text("# noria.Project( in a comment declares nothing\n")
    with pytest.raises(NotFound, match="noria init"):
        find_module(tmp_path)


def test_two_projects_in_a_folder_are_too_many(example):
    (example / "second.py").write_text((example / "flights.py").read_text())
    with pytest.raises(BadInput, match=r"several projects: flights\.py, second\.py"):
        find_module(example)


def test_a_suite_that_a_source_names_must_be_there(example):
    values = example / "flights.toml"
    values.write_text(
        values.read_text().replace("[source.Departure]", '[source.Departure]\nsuite = "checks/d.json"', 1)
    )
    with pytest.raises(DeclarationFaulty, match=r"source\.Departure\.suite: there is no file checks/d\.json"):
        load(example)
    (example / "checks").mkdir()
    (example / "checks" / "d.json").write_text('{"name": "d", "expectations": []}')
    assert {spec.name: spec.suite for spec in load(example).plan.sources}["Departure"] == "checks/d.json"


@pytest.mark.parametrize(
    ("line", "said"),
    [("1 / 0", "ZeroDivisionError"), ("def (", "SyntaxError"), ("import nowhere_at_all", "ModuleNotFoundError")],
)
def test_a_module_that_cannot_be_imported_tells_its_line(example, line, said):
    module = example / "flights.py"
    module.write_text(module.read_text() + f"\n{line}\n")
    with pytest.raises(ModuleBroken, match=said):
        load(example)
