from __future__ import annotations

import re
from pathlib import Path

import pytest
from sensors import (
    DAY,
    HOUR,
    INPUTS,
    QUESTION,
    READING,
    WITH_FUNCTION,
    hour,
    offline,
    part,
    question,
    reading,
    workspace,
)

from noria.core.digest import canonical, digest
from noria.core.errors import NotFound
from noria.features.model import FunctionFailed, input_columns
from noria.features.operations import build_part, load_features, part_inputs
from noria.workspace.workspace import Workspace

AT = 100 * DAY


def test_a_part_has_the_key_the_moment_and_every_input_in_order(ws: Workspace) -> None:
    asked = part(ws, QUESTION, "asked_at", [question(2, "a", AT), question(1, "b", AT), question(0, None, AT - HOUR)])
    readings = part(ws, READING, "read_at", [reading("a", AT - 1, heat=3.0), reading(None, AT - 1)])
    built = build_part(ws, WITH_FUNCTION, asked, {"Reading": [readings]}, {"sensors:hour": hour})
    table = load_features(ws, [built])
    assert table.column_names == ["id", "asked_at", *(column.name for column in input_columns(WITH_FUNCTION))]
    assert table["id"].to_pylist() == ["q0000", "q0001", "q0002"]
    assert table["hour"].to_pylist() == [23, 0, 0]
    assert table["Sensor.heat"].to_pylist() == [None, None, 3.0]
    assert table["Sensor.rows_1h"].to_pylist() == [0, 0, 1], "rows without an entity belong to nobody"


def test_the_same_inputs_give_the_same_bytes(ws: Workspace) -> None:
    asked = part(ws, QUESTION, "asked_at", [question(n, "ab"[n % 2], AT + n * HOUR) for n in range(50)])
    readings = part(
        ws, READING, "read_at", [reading("ab"[n % 2], AT - DAY + n * 997_000_000, n / 7) for n in range(400)]
    )
    first, again = (build_part(ws, INPUTS, asked, {"Reading": [readings]}, {}) for _ in range(2))
    assert first == again


def test_rows_beyond_the_cut_of_a_part_are_not_there(ws: Workspace) -> None:
    rows = [reading("a", AT - 10), reading("a", AT - 5, late=3)]
    asked = [question(0, "a", AT), question(1, "a", AT + 1)]
    readings, questions = (
        part(ws, READING, "read_at", rows, as_of=AT - 3),
        part(ws, QUESTION, "asked_at", asked, as_of=AT),
    )
    (row,) = offline(ws, INPUTS, questions, {"Reading": [readings]})
    assert row["Sensor.rows_1h"] == 1


def test_a_source_without_parts_gives_no_features_but_counts_of_zero(ws: Workspace) -> None:
    (row,) = offline(ws, INPUTS, part(ws, QUESTION, "asked_at", [question(0, "a", AT)]), {"Reading": []})
    assert row["Sensor.rows_13d"] == 0
    assert row["Sensor.mean_heat_24h"] is None
    with pytest.raises(NotFound, match="Reading"):
        offline(ws, INPUTS, part(ws, QUESTION, "asked_at", [question(0, "a", AT)]), {})


def test_inputs_are_the_parts_within_reach_and_nothing_else(ws: Workspace) -> None:
    asked = part(ws, QUESTION, "asked_at", [question(0, "a", AT), question(1, "a", AT + DAY)])

    def named(*times: int, as_of: int | None = None, sensor: str = "a") -> str:
        parts = [part(ws, READING, "read_at", [reading(sensor, at)], as_of=as_of) for at in times]
        return digest(part_inputs(INPUTS, asked, {"Reading": parts}))

    within, before, after = AT - DAY, AT - 15 * DAY, AT + DAY + 1
    assert named(within, before, after) == named(within, before - DAY, after + DAY)
    assert named(within) != named(within + 1)
    assert named(within) != named(within, sensor="b")
    assert named(within, as_of=AT + DAY) == named(within, as_of=AT + 2 * DAY), (
        "a cut after the last question cuts nothing"
    )
    assert named(within, as_of=AT) != named(within, as_of=AT + 1)
    assert canonical(part_inputs(INPUTS, asked, {"Reading": []}))


def test_a_path_with_wildcards_and_quotes_is_a_path(tmp_path: Path) -> None:
    ws = workspace(tmp_path / "it's [a] *b=c* ?")
    asked = part(ws, QUESTION, "asked_at", [question(0, "a", AT)])
    (row,) = offline(ws, INPUTS, asked, {"Reading": [part(ws, READING, "read_at", [reading("a", AT - 1)])]})
    assert row["Sensor.rows_1h"] == 1


@pytest.mark.parametrize("value", ["seven", None, 1.5, 2**70, float("nan"), True])
def test_a_function_that_returns_something_else_is_named(ws: Workspace, value: object) -> None:
    asked = part(ws, QUESTION, "asked_at", [question(0, "a", AT)])
    with pytest.raises(FunctionFailed, match=re.escape(f"returned {value!r}, not int")):
        build_part(ws, WITH_FUNCTION, asked, {"Reading": []}, {"sensors:hour": lambda asked_at: value})
    with pytest.raises(FunctionFailed, match="ZeroDivisionError"):
        build_part(ws, WITH_FUNCTION, asked, {"Reading": []}, {"sensors:hour": lambda asked_at: 1 // 0})
    with pytest.raises(NotFound, match="sensors:hour"):
        build_part(ws, WITH_FUNCTION, asked, {"Reading": []}, {})
