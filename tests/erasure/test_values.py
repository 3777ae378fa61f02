"""What is scrubbed names nobody, and what named nobody is as it was."""

import json

from hypothesis import given
from hypothesis import strategies as st

from noria.erasure.model import Subject
from noria.erasure.values import mentions, scrubbed

WHOM = Subject("user", "u-4711")
texts = st.sampled_from(["u-4711", "hello u-4711!", "u-47110", "other", ""])
nested = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.just("user"), inner, max_size=4),
    max_leaves=20,
)


@given(nested)
def test_scrubbed_values_name_nobody(value):
    assert list(mentions(scrubbed(value, WHOM), WHOM)) == []


@given(nested)
def test_values_that_name_nobody_stay_as_they_are(value):
    if not list(mentions(value, WHOM)):
        assert scrubbed(value, WHOM) == value
    json.dumps(scrubbed(value, WHOM))


def test_rows_go_whole():
    assert scrubbed([{"user": "u-4711", "age": 7}, {"user": "b", "age": 8}], WHOM) == [{"user": "b", "age": 8}]
