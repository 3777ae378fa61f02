"""One turn of the wheel: an unchanged one does nothing and says why, a changed one does what depends on the change."""

from typing import Any

import pyarrow.parquet as pq


def ran(report: dict[str, Any]) -> list[str]:
    """The cached steps that a turn did, rather than take from an earlier one."""
    return [step["name"] for step in report["steps"] if not step["reused"] and step["name"] != "snapshot and check"]


def why(report: dict[str, Any], step: str) -> str:
    return next(one["why"] for one in report["steps"] if one["name"] == step)


def version(report: dict[str, Any]) -> tuple[int, str]:
    return report["version"], report["model_digest"]


EVERYTHING_AFTER_FEATURES = ["train", "package", "validate", "gate and register"]


def test_the_first_turn_does_every_step_and_promotes(flights) -> None:
    report = flights.run()
    assert report["outcome"] == "promoted"
    assert report["version"] == 1
    assert ran(report) == ["features", *EVERYTHING_AFTER_FEATURES]
    assert why(report, "train") == "it has never run"


def test_the_second_turn_does_nothing_and_says_why(flights) -> None:
    flights.run()
    report = flights.run()
    assert report["outcome"] == "unchanged"
    assert report["reason"] == ("no file of the project, no data file, no value and no installed package has changed")
    assert report["last"] == "lateness version 1"


def test_asked_to_look_at_everything_it_finds_every_step_done(flights_that_ran) -> None:
    (report,) = flights_that_ran.noria("run", "--fresh", "--as-of", "2013-02-20")
    assert report["outcome"] == "unchanged"
    assert report["reason"] == "version 1 was made from exactly these data, code, values and packages"
    assert ran(report) == []
    assert {step["why"] for step in report["steps"][1:]} == {"inputs unchanged"}


def test_a_helper_two_calls_away_trains_again_and_keeps_the_features(flights_that_ran) -> None:
    flights_that_ran.edit("recipe.py", "return 15", "return 7")
    report = flights_that_ran.run()
    assert ran(report) == EVERYTHING_AFTER_FEATURES
    assert "recipe.leaves changed" in why(report, "train")
    assert report["version"] == 2


def test_a_value_trains_again_and_keeps_the_features(flights_that_ran) -> None:
    flights_that_ran.edit("flights.toml", "max_iter = 15", "max_iter = 12")
    report = flights_that_ran.run()
    assert ran(report) == EVERYTHING_AFTER_FEATURES
    assert why(report, "train") == "values.max_iter 15 → 12"


def test_a_comment_changes_nothing(flights_that_ran) -> None:
    flights_that_ran.edit("recipe.py", "    return 15", "    # enough for two months\n\n    return 15")
    flights_that_ran.edit("recipe.py", '"""Small trees."""', '"""Trees with few leaves."""')
    flights_that_ran.edit("flights.toml", "[lateness.values]", "# the learner\n[lateness.values]")
    report = flights_that_ran.run()
    assert report["outcome"] == "unchanged"
    assert ran(report) == []


def test_a_feature_function_builds_the_features_again(flights_that_ran) -> None:
    flights_that_ran.edit("flights.py", "return departs.hour\n", "return departs.hour // 2\n")
    assert ran(flights_that_ran.run()) == ["features", *EVERYTHING_AFTER_FEATURES]


def test_gates_alone_are_judged_again_on_what_was_measured(flights_that_ran) -> None:
    flights_that_ran.edit("flights.py", "auc >= 0.6", "auc >= 0.99")
    report = flights_that_ran.run()
    assert "train" not in ran(report)
    assert "package" not in ran(report)
    assert report["outcome"] == "refused"
    assert "0.99" in report["reason"]


def test_going_back_gives_the_version_there_was(flights_that_ran) -> None:
    first = flights_that_ran.noria("run", "--fresh", "--as-of", "2013-02-20")[0]
    flights_that_ran.edit("flights.toml", "max_iter = 15", "max_iter = 12")
    other = flights_that_ran.run()
    flights_that_ran.edit("flights.toml", "max_iter = 12", "max_iter = 15")
    again = flights_that_ran.run()
    assert version(again) == version(first)
    assert version(other) != version(first)
    assert ran(again) == []


def test_one_data_file_builds_again_only_the_parts_that_reach_it(flights_that_ran) -> None:
    """February's weather is seen by February's requests, and by none of January's."""
    file = flights_that_ran.root / "data" / "weather" / "2013-02.parquet"
    readings = pq.read_table(file).to_pandas()
    readings.loc[:200, "visibility"] = 1.0
    readings.to_parquet(file, index=False)
    report = flights_that_ran.run()
    assert ran(report) == ["features", *EVERYTHING_AFTER_FEATURES]
    assert "1 of 2 parts computed" in next(one["result"] for one in report["steps"] if one["name"] == "features")
    assert "sources.Weather: data/weather/2013-02.parquet changed" in why(report, "features")


def test_a_file_that_was_only_touched_changes_nothing(flights_that_ran) -> None:
    for file in (flights_that_ran.root / "data").rglob("*.parquet"):
        file.touch()
    report = flights_that_ran.run()
    assert report["outcome"] == "unchanged"
    assert ran(report) == []
