"""The same content has the same digest, in whatever order it comes; what has no JSON form has none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.core.digest import canonical, digest, digest_bytes, digest_chunks, digest_file, short

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aü中🚂\n\\"),
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=4), one, max_size=4),
)


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Spec:
    name: str
    windows: tuple[int, ...]
    colour: Colour = Colour.RED


@given(values)
def test_canonical_json_reads_back_and_does_not_depend_on_order(value):
    assert json.loads(canonical(value)) == value
    if isinstance(value, dict):
        assert digest(dict(reversed(value.items()))) == digest(value)


@given(values, values)
def test_different_values_have_different_digests(one, other):
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


def test_dataclasses_enums_sets_and_paths_have_a_form():
    assert canonical(Spec("a", (1, 24))) == '{"colour":"red","name":"a","windows":[1,24]}'
    assert canonical({"places": {"b", "a"}, "file": Path("x/y")}) == '{"file":"x/y","places":["a","b"]}'


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"x": -float("inf")}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        digest(value)


@pytest.mark.parametrize("value", [object(), b"bytes", Spec, {1: "a", "b": 2}])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(TypeError):
        digest(value)


@given(st.lists(st.binary(max_size=50)))
def test_bytes_have_one_digest_whole_in_pieces_or_in_a_file(tmp_path_factory, chunks):
    data = b"".join(chunks)
    path = tmp_path_factory.getbasetemp() / "data"
    path.write_bytes(data)
    assert digest_bytes(data) == digest_chunks(chunks) == digest_file(path) == hashlib.sha256(data).hexdigest()
    assert digest_bytes(data).startswith(short(digest_bytes(data)))
