"""What the registry must do on every database: subclass `RegistrySuite` and give it the fixture `ws`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from noria.core.errors import BadInput, Conflict, NotFound
from noria.registry import aliases, history, model_versions, names, registered_models, stages, tags
from noria.registry import operations as registry
from noria.registry.model import PROMPT_TAG, Version
from noria.registry.names import ModelExists, ModelMissing, NameTaken, VersionMissing
from noria.registry.resolving import NotThen, resolve
from noria.registry.sources import SourceMissing
from noria.workspace.workspace import Workspace

MINUTE = 60_000_000


def later(ws: Workspace) -> int:
    """A minute passes; gives the moment."""
    ws.clock.advance_to(ws.clock.now() + MINUTE)  # type: ignore[attr-defined]  # a ManualClock
    return ws.clock.now()


def make(ws: Workspace, count: int = 1, model: str = "iris", source: str = "s3://models/iris") -> list[Version]:
    """A registered model with so many versions."""
    registered_models.create_model(ws, model)
    return [model_versions.create_version(ws, model, source, run=f"run{n}") for n in range(1, count + 1)]


def stages_of(ws: Workspace, model: str = "iris") -> list[str]:
    """Each version's stage as MLflow shows it."""
    return [stages.shown(one.stage) for one in registry.list_versions(ws, model)]


def kinds(ws: Workspace, model: str = "iris") -> list[str]:
    """What the journal tells of a model."""
    return [told.kind for told in history.timeline(ws, model)]


class RegisteredSuite:
    """Models, versions and stages."""

    def test_a_model_is_read_back_as_it_was_registered(self, ws: Workspace) -> None:
        made = registered_models.create_model(ws, "iris", tags={"team": "bees"}, description="flowers")
        assert registered_models.get_model(ws, "iris") == made
        assert (made.tags, made.description, made.aliases, made.latest) == ({"team": "bees"}, "flowers", {}, [])
        assert made.created == made.updated == ws.clock.now()
        assert [one.name for one in registered_models.list_models(ws)] == ["iris"]

    @pytest.mark.parametrize(("was", "now"), [(False, False), (False, True), (True, False), (True, True)])
    def test_a_taken_name_says_whether_a_model_or_a_prompt_has_it(self, ws: Workspace, was: bool, now: bool) -> None:
        tagged = {True: {PROMPT_TAG: "true"}, False: {}}
        registered_models.create_model(ws, "greeting", tags=tagged[was])
        with pytest.raises(ModelExists) as caught:
            registered_models.create_model(ws, "greeting", tags=tagged[now])
        assert (caught.value.was_prompt, caught.value.is_prompt) == (was, now)

    @pytest.mark.parametrize("name", ["", "  ", "a/b", "a:b", "..", ".", "../x", "a\x00b", "a\ud800", "x" * 257])
    def test_a_name_that_cannot_be_one_changes_nothing(self, ws: Workspace, name: str) -> None:
        with pytest.raises(BadInput):
            registered_models.create_model(ws, name)
        assert registered_models.list_models(ws) == [] == ws.journal.read()

    @pytest.mark.parametrize("name", ["n" * 256, "'; DROP TABLE versions; --", "中\U0001f682", "a%b_c", "A\nB", "x@y"])
    def test_a_strange_name_works_everywhere(self, ws: Workspace, name: str) -> None:
        make(ws, 1, name)
        aliases.set_alias(ws, name, "champion", 1)
        assert aliases.version_by_alias(ws, name, "champion").model == name
        assert history.alias_at(ws, name, "champion", ws.clock.now()) == 1
        registered_models.rename_model(ws, name, "plain")
        assert resolve(ws, "models:/plain@champion").number == 1

    def test_renaming_takes_everything_along(self, ws: Workspace) -> None:
        make(ws, 2)
        tags.set_model_tag(ws, "iris", "a", "1")
        tags.set_version_tag(ws, "iris", 1, "b", "2")
        aliases.set_alias(ws, "iris", "champion", 2)
        moment = later(ws)
        renamed = registered_models.rename_model(ws, "iris", "flowers")
        assert (renamed.tags, renamed.aliases, renamed.updated) == ({"a": "1"}, {"champion": 2}, moment)
        first, second = registry.list_versions(ws, "flowers")
        assert (first.tags, second.aliases, second.updated) == ({"b": "2"}, ("champion",), moment)
        with pytest.raises(ModelMissing):
            registered_models.get_model(ws, "iris")

    def test_a_model_is_not_renamed_to_what_another_is_called(self, ws: Workspace) -> None:
        make(ws)
        make(ws, model="rose")
        with pytest.raises(NameTaken):
            registered_models.rename_model(ws, "iris", "rose")
        assert registered_models.rename_model(ws, "iris", "iris").name == "iris"
        assert "ModelRenamed" not in kinds(ws)

    def test_a_deleted_model_is_gone_and_its_name_begins_anew(self, ws: Workspace) -> None:
        make(ws, 2)
        aliases.set_alias(ws, "iris", "champion", 2)
        registered_models.delete_model(ws, "iris")
        for gone in (registered_models.get_model, registered_models.delete_model):
            with pytest.raises(ModelMissing):
                gone(ws, "iris")
        assert make(ws)[0].number == 1
        assert registered_models.get_model(ws, "iris").aliases == {}

    def test_versions_are_numbered_and_a_deleted_ones_number_is_not_given_again(self, ws: Workspace) -> None:
        assert [one.number for one in make(ws, 3)] == [1, 2, 3]
        model_versions.delete_version(ws, "iris", 3)
        assert model_versions.create_version(ws, "iris", "s3://x").number == 4
        with pytest.raises(VersionMissing):
            model_versions.get_version(ws, "iris", 3)
        assert [one.number for one in registry.list_versions(ws, "iris")] == [1, 2, 4]

    def test_a_version_keeps_what_the_client_said(self, ws: Workspace) -> None:
        registered_models.create_model(ws, "iris")
        made = model_versions.create_version(
            ws, "iris", "s3://x/y", run="r1", tags={"k": "v"}, run_link="http://run", description="first"
        )
        assert model_versions.get_version(ws, "iris", "1") == made
        said = (made.source, made.storage, made.run, made.run_link, made.description, made.tags, made.stage)
        assert said == ("s3://x/y", "s3://x/y", "r1", "http://run", "first", {"k": "v"}, "candidate")
        assert (made.actor, made.status, made.package, made.lineage.run) == (ws.actor, "READY", "", "r1")

    def test_a_version_can_be_copied_to_another_model(self, ws: Workspace) -> None:
        make(ws, 1, source="s3://deep/place")
        registered_models.create_model(ws, "prod")
        copied = model_versions.create_version(ws, "prod", "models:/iris/1", run="run1")
        again = model_versions.create_version(ws, "prod", "models:/prod/1")
        assert (copied.source, copied.storage) == ("models:/iris/1", "s3://deep/place")
        assert model_versions.download_uri(ws, "prod", again.number) == "s3://deep/place"

    @pytest.mark.parametrize(
        "source",
        ["models:/iris/7", "models:/none/1", "models:/iris@x", "models:/iris/None", "models:/m-1", "models:"],
    )
    def test_a_source_that_leads_nowhere_is_refused(self, ws: Workspace, source: str) -> None:
        make(ws)
        with pytest.raises(SourceMissing):
            model_versions.create_version(ws, "iris", source)
        assert len(registry.list_versions(ws, "iris")) == 1

    @pytest.mark.parametrize("number", [0, -1, 99, 2**31, 10**30, "10000000000000000000000"])
    def test_a_number_that_no_version_has_is_not_found(self, ws: Workspace, number: Any) -> None:
        make(ws)
        with pytest.raises(VersionMissing):
            model_versions.get_version(ws, "iris", number)

    @pytest.mark.parametrize("number", ["x", "", "1.5", None, "0x1"])
    def test_a_number_that_is_none_is_refused(self, ws: Workspace, number: Any) -> None:
        make(ws)
        with pytest.raises(names.BadNumber):
            aliases.set_alias(ws, "iris", "champion", number)

    def test_what_counts_as_an_update(self, ws: Workspace) -> None:
        make(ws)
        begun = ws.clock.now()

        def updated() -> tuple[int, int]:
            model, version = registered_models.get_model(ws, "iris"), model_versions.get_version(ws, "iris", 1)
            return model.updated - begun, version.updated - begun

        later(ws)
        tags.set_model_tag(ws, "iris", "a", "b")
        tags.set_version_tag(ws, "iris", 1, "a", "b")
        aliases.set_alias(ws, "iris", "champion", 1)
        aliases.delete_alias(ws, "iris", "champion")
        assert updated() == (0, 0)
        later(ws)
        model_versions.update_version(ws, "iris", 1, "new")
        assert updated() == (0, 2 * MINUTE)
        later(ws)
        registered_models.update_model(ws, "iris", "new")
        assert updated() == (3 * MINUTE, 2 * MINUTE)
        later(ws)
        model_versions.transition_stage(ws, "iris", 1, "staging")
        assert updated() == (4 * MINUTE, 4 * MINUTE)
        later(ws)
        model_versions.create_version(ws, "iris", "s3://x")
        assert updated() == (5 * MINUTE, 4 * MINUTE)
        later(ws)
        model_versions.delete_version(ws, "iris", 2)
        assert updated() == (6 * MINUTE, 4 * MINUTE)

    def test_a_stage_may_have_many_versions_unless_they_are_archived(self, ws: Workspace) -> None:
        make(ws, 3)
        for number in (1, 2):
            model_versions.transition_stage(ws, "iris", number, "PRODUCTION")
        assert stages_of(ws) == ["Production", "Production", "None"]
        assert model_versions.transition_stage(ws, "iris", 3, "Production", archive=True).stage == "production"
        assert stages_of(ws) == ["Archived", "Archived", "Production"]
        assert registered_models.get_model(ws, "iris").aliases == {}  # MLflow's stages move no alias

    def test_every_stage_leads_to_every_other(self, ws: Workspace) -> None:
        make(ws)
        for before in stages.ALL:
            for after in stages.ALL:
                model_versions.transition_stage(ws, "iris", 1, before)
                model_versions.transition_stage(ws, "iris", 1, after)
                assert stages_of(ws) == [after]

    def test_only_a_known_stage_is_entered_and_only_an_active_one_archives(self, ws: Workspace) -> None:
        make(ws)
        with pytest.raises(stages.UnknownStage):
            model_versions.transition_stage(ws, "iris", 1, "Heaven")
        with pytest.raises(stages.NotActiveStage):
            model_versions.transition_stage(ws, "iris", 1, "Archived", archive=True)
        with pytest.raises(stages.UnknownStage):
            registered_models.latest_versions(ws, "iris", ["Heaven"])

    def test_the_latest_of_each_stage(self, ws: Workspace) -> None:
        make(ws, 5)
        for number, stage in ((1, "Production"), (3, "Production"), (2, "Staging")):
            model_versions.transition_stage(ws, "iris", number, stage)
        latest = [(one.number, stages.shown(one.stage)) for one in registered_models.latest_versions(ws, "iris")]
        assert latest == [(3, "Production"), (2, "Staging"), (5, "None")]
        assert [one.number for one in registered_models.latest_versions(ws, "iris", ["production"])] == [3]
        assert registered_models.latest_versions(ws, "iris", ["Archived"]) == []


class PointedSuite:
    """Aliases, tags, and what the journal can tell of them."""

    def test_an_alias_points_moves_and_goes(self, ws: Workspace) -> None:
        make(ws, 2)
        for number in (1, 2, 2):
            aliases.set_alias(ws, "iris", "champion", number)
        assert aliases.version_by_alias(ws, "iris", "champion").number == 2
        aliases.set_alias(ws, "iris", "Champion", 1)
        assert registered_models.get_model(ws, "iris").aliases == {"Champion": 1, "champion": 2}
        aliases.delete_alias(ws, "iris", "champion")
        aliases.delete_alias(ws, "iris", "champion")
        with pytest.raises(names.AliasMissing):
            aliases.version_by_alias(ws, "iris", "champion")
        assert kinds(ws).count("AliasMoved") == 3
        assert kinds(ws).count("AliasRemoved") == 1

    def test_a_deleted_version_takes_its_aliases_along(self, ws: Workspace) -> None:
        make(ws, 2)
        for alias in ("a", "b"):
            aliases.set_alias(ws, "iris", alias, 2)
        aliases.set_alias(ws, "iris", "c", 1)
        model_versions.delete_version(ws, "iris", 2)
        assert registered_models.get_model(ws, "iris").aliases == {"c": 1}

    @pytest.mark.parametrize("alias", ["", "a b", "a.b", "latest", "LATEST", "v1", "V22", "a" * 256, "x\n", "a/b"])
    def test_what_cannot_be_an_alias(self, ws: Workspace, alias: str) -> None:
        make(ws)
        with pytest.raises(BadInput):
            aliases.set_alias(ws, "iris", alias, 1)

    @pytest.mark.parametrize("alias", ["a" * 255, "v", "version1", "ü", "-", "_", "vi1", "1"])
    def test_what_can_be_an_alias(self, ws: Workspace, alias: str) -> None:
        make(ws)
        aliases.set_alias(ws, "iris", alias, 1)
        assert aliases.version_by_alias(ws, "iris", alias).number == 1

    def test_latest_is_the_highest_version_whatever_its_stage(self, ws: Workspace) -> None:
        registered_models.create_model(ws, "iris")
        with pytest.raises(NotFound):
            aliases.version_by_alias(ws, "iris", "latest")
        for _ in range(3):
            model_versions.create_version(ws, "iris", "s3://x")
        model_versions.transition_stage(ws, "iris", 1, "Production")
        assert aliases.version_by_alias(ws, "iris", "Latest").number == 3

    def test_many_clients_move_one_alias_at_once_and_the_journal_tells_of_all(self, ws: Workspace) -> None:
        make(ws, 8)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: aliases.set_alias(ws, "iris", "champion", number), range(1, 9)))
        moves = [told.data for told in history.timeline(ws, "iris") if told.kind == "AliasMoved"]
        assert sorted(move["version"] for move in moves) == list(range(1, 9))
        assert [move["previous"] for move in moves] == [None, *[move["version"] for move in moves[:-1]]]
        assert aliases.version_by_alias(ws, "iris", "champion").number == moves[-1]["version"]
        ws.journal.verify()

    def test_many_clients_register_at_once(self, ws: Workspace) -> None:
        registered_models.create_model(ws, "iris")
        with ThreadPoolExecutor(6) as threads:
            made = threads.map(lambda _: model_versions.create_version(ws, "iris", "s3://x").number, range(18))
            assert sorted(made) == list(range(1, 19))

    def test_tags_are_set_changed_and_deleted(self, ws: Workspace) -> None:
        make(ws)
        tags.set_model_tag(ws, "iris", "a", "1")
        tags.set_model_tag(ws, "iris", "a", "2")
        tags.set_model_tag(ws, "iris", "b", None)
        tags.set_version_tag(ws, "iris", 1, "deep/k: v", "x" * 100_000)
        assert registered_models.get_model(ws, "iris").tags == {"a": "2", "b": ""}
        assert len(model_versions.get_version(ws, "iris", 1).tags["deep/k: v"]) == 100_000
        tags.delete_model_tag(ws, "iris", "a")
        tags.delete_model_tag(ws, "iris", "a")
        tags.delete_version_tag(ws, "iris", 1, "deep/k: v")
        tags.delete_version_tag(ws, "iris", 1, "none")
        assert registered_models.get_model(ws, "iris").tags == {"b": ""}
        assert model_versions.get_version(ws, "iris", 1).tags == {}
        assert kinds(ws).count("ModelTagRemoved") == kinds(ws).count("VersionTagRemoved") == 1

    @pytest.mark.parametrize("name", ["a" * 251, "../x", "/x", "a;b", "a//b", "", None, "a\x00"])
    def test_what_cannot_name_a_tag(self, ws: Workspace, name: Any) -> None:
        make(ws)
        with pytest.raises(BadInput):
            tags.set_model_tag(ws, "iris", name, "x")
        with pytest.raises(BadInput):
            tags.set_version_tag(ws, "iris", 1, name, "x")

    @pytest.mark.parametrize("value", ["x" * 100_001, "a\x00b", "\ud800"])
    def test_what_no_tag_can_say(self, ws: Workspace, value: str) -> None:
        make(ws)
        with pytest.raises(BadInput):
            tags.set_version_tag(ws, "iris", 1, "k", value)
        with pytest.raises(names.NoTagValue):
            tags.set_version_tag(ws, "iris", 1, "k", None)

    def test_every_change_is_told_and_nothing_else(self, ws: Workspace) -> None:
        make(ws)
        for _ in range(2):  # the second time nothing changes
            tags.set_model_tag(ws, "iris", "a", "1")
            tags.set_version_tag(ws, "iris", 1, "a", "1")
            aliases.set_alias(ws, "iris", "champion", 1, reason="better")
            model_versions.transition_stage(ws, "iris", 1, "Staging")
            registered_models.update_model(ws, "iris", "d")
            model_versions.update_version(ws, "iris", 1, "d")
        assert kinds(ws) == [
            "ModelRegistered", "VersionRegistered", "ModelTagged", "VersionTagged", "AliasMoved", "StageChanged",
            "ModelDescribed", "VersionDescribed",
        ]  # fmt: skip
        moved = history.timeline(ws, "iris")[4]
        assert (moved.actor, moved.data["reason"], moved.data["previous"]) == (ws.actor, "better", None)

    def test_a_change_that_is_refused_leaves_no_trace(self, ws: Workspace) -> None:
        make(ws)
        before = len(ws.journal.read())
        for refused in (
            lambda: registered_models.create_model(ws, "iris"),
            lambda: aliases.set_alias(ws, "iris", "champion", 9),
            lambda: model_versions.transition_stage(ws, "iris", 9, "Staging"),
            lambda: tags.set_version_tag(ws, "iris", 9, "a", "b"),
            lambda: model_versions.create_version(ws, "none", "s3://x"),
        ):
            with pytest.raises((NotFound, Conflict)):
                refused()
        assert len(ws.journal.read()) == before

    def test_aliases_and_stages_of_the_past_across_a_rename(self, ws: Workspace) -> None:
        make(ws, 2)
        times = [later(ws)]
        for number in (1, 2):
            aliases.set_alias(ws, "iris", "champion", number)
            model_versions.transition_stage(ws, "iris", number, "Production", archive=True)
            times.append(later(ws))
        registered_models.rename_model(ws, "iris", "flowers")
        times.append(later(ws))
        aliases.delete_alias(ws, "flowers", "champion")
        times.append(later(ws))
        for name in ("flowers", "iris"):  # nobody is called iris now: it means who was called so
            assert [history.alias_at(ws, name, "champion", at - 1) for at in times][:3] == [None, 1, 2]
        assert [history.alias_at(ws, "flowers", "champion", at - 1) for at in times][3:] == [2, None]
        assert history.alias_at(ws, "iris", "champion", times[4]) is None
        assert history.stages_at(ws, "flowers", times[1] - 1) == {1: "production", 2: "candidate"}
        assert history.stages_at(ws, "flowers", times[2] - 1) == {1: "retired", 2: "production"}

    def test_a_name_worn_by_two_models_one_after_the_other(self, ws: Workspace) -> None:
        make(ws, 2)
        aliases.set_alias(ws, "iris", "champion", 2)
        first = later(ws)
        registered_models.delete_model(ws, "iris")
        between = later(ws)
        make(ws)
        later(ws)
        aliases.set_alias(ws, "iris", "champion", 1)
        last = later(ws)
        assert [history.alias_at(ws, "iris", "champion", at - 1) for at in (first, between, last)] == [2, None, 1]
        assert kinds(ws) == ["ModelRegistered", "VersionRegistered", "AliasMoved"]

    def test_two_models_swap_their_names(self, ws: Workspace) -> None:
        make(ws, 1, "a")
        make(ws, 2, "b")
        aliases.set_alias(ws, "a", "x", 1)
        aliases.set_alias(ws, "b", "x", 2)
        then = ws.clock.now()
        later(ws)
        for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
            registered_models.rename_model(ws, old, new)
        assert (history.alias_at(ws, "a", "x", then), history.alias_at(ws, "b", "x", then)) == (2, 1)

    def test_a_reference_leads_to_today_or_to_then(self, ws: Workspace) -> None:
        make(ws, 3)
        aliases.set_alias(ws, "iris", "champion", 1)
        model_versions.transition_stage(ws, "iris", 1, "Production")
        then = "2024-06-10T12:30:00"
        for _ in range(60):
            later(ws)
        aliases.set_alias(ws, "iris", "champion", 3)
        model_versions.transition_stage(ws, "iris", 3, "Production", archive=True)
        made = model_versions.create_version(ws, "iris", "s3://x").number
        named = {
            "models:/iris/2": 2, "models:/iris@champion": 3, "models:/iris/Production": 3, "models:/iris/latest": made,
            "models:/iris@latest": made, "iris@champion": 3, "iris@2": 2, "iris/1": 1, "iris/production": 3,
            f"models:/iris@champion?at={then}": 1, f"models:/iris/Production?at={then}": 1,
            f"iris@champion?at={then}": 1, f"models:/iris/latest?at={then}": 3, f"models:/iris/2?at={then}": 2,
        }  # fmt: skip
        assert {text: resolve(ws, text).number for text in named} == named
        for text in (f"models:/iris/{made}?at={then}", "iris@champion?at=2013-06-01", f"iris@other?at={then}"):
            with pytest.raises(NotThen):
                resolve(ws, text)
        model_versions.delete_version(ws, "iris", 1)
        with pytest.raises(NotThen, match="deleted since"):
            resolve(ws, f"iris@champion?at={then}")

    def test_an_alias_rolls_back_past_what_was_deleted(self, ws: Workspace) -> None:
        make(ws, 3)
        for number in (1, 2, 3):
            aliases.set_alias(ws, "iris", "champion", number, reason=f"number {number}")
        model_versions.delete_version(ws, "iris", 2)
        assert registry.rollback(ws, "iris", alias="champion", reason="worse").number == 1
        fact = history.timeline(ws, "iris")[-1]
        assert (fact.kind, fact.data["previous"], fact.data["version"]) == ("VersionRolledBack", 3, 1)
        assert fact.data["returns_to"]["reason"] == "number 1"
        with pytest.raises(NotFound, match="earlier champion version"):
            registry.rollback(ws, "iris", alias="champion", reason="worse")


class RegistrySuite(RegisteredSuite, PointedSuite):
    """A subclass gives the fixture `ws`: an empty workspace on a `ManualClock`."""
