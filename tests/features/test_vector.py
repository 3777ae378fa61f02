from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sensors import DAY, HOUR, WITH_FUNCTION, hour, reading

from noria.features.model import BadRequestRow, input_columns
from noria.features.online.features import OnlineFeatures
from noria.features.vector import Vectorizer
from noria.stores.online_memory import MemoryOnlineStore

AT = 100 * DAY + 5 * HOUR


@pytest.fixture
def vectorizer(tmp_path: Path) -> Vectorizer:
    online = OnlineFeatures(WITH_FUNCTION.views, MemoryOnlineStore(), tmp_path)
    online.ingest("Reading", [reading("a", AT - 1, heat=2.5)])
    return Vectorizer(WITH_FUNCTION, online, {"sensors:hour": hour})


def test_the_vector_has_every_input_by_name(vectorizer: Vectorizer) -> None:
    row = vectorizer.read({"id": "q", "sensor": "a"}, AT)
    vector = vectorizer.vector(row, AT)
    assert set(vector) == {column.name for column in input_columns(WITH_FUNCTION)}
    assert (vector["hour"], vector["Sensor.mean_heat_1h"], vector["sensor"]) == (5, 2.5, "a")


def test_the_moment_is_the_servers_whatever_the_row_says(vectorizer: Vectorizer) -> None:
    assert vectorizer.read({"id": "q", "sensor": None, "asked_at": "1999-01-01"}, AT)["asked_at"] == AT


@pytest.mark.parametrize("row", [{"id": 5}, {"sensor": "a"}, {"id": "q", "censor": "a"}, {"id": "q", "sensor": ["a"]}])
def test_a_row_that_does_not_fit_is_refused(vectorizer: Vectorizer, row: dict[str, Any]) -> None:
    with pytest.raises(BadRequestRow, match="the columns are those of Question"):
        vectorizer.read(row, AT)


def test_all_faults_come_at_once(vectorizer: Vectorizer) -> None:
    with pytest.raises(BadRequestRow) as refused:
        vectorizer.read({"id": float("inf"), "sensor": 3, "colour": "red"}, AT)
    assert len(refused.value.faults) == 3
