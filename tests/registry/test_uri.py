"""Every way to name a version is read as one thing, or refused with what is wrong."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noria.core.clock import parse_moment
from noria.registry.uri import BadReference, Reference, parse

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JUNE = parse_moment("2013-06-01")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("models:/flights/3", Reference("flights", number=3)),
        ("models:/flights/Production", Reference("flights", stage="Production")),
        ("models:/flights/LATEST", Reference("flights")),
        ("models:/flights@champion", Reference("flights", alias="champion")),
        ("models:/flights@production?at=2013-06-01", Reference("flights", alias="production", at=JUNE)),
        ("models:/flights/3?at=2013-06-01T00:00:00+00:00", Reference("flights", number=3, at=JUNE)),
        ("models:/m-0f3a", Reference("", logged_model="m-0f3a")),
        ("models:/a@b@c", Reference("a@b", alias="c")),
        ("models:/a b/7", Reference("a b", number=7)),
        ("flights", Reference("flights", alias="production")),
        ("flights?at=2013-06-01", Reference("flights", alias="production", at=JUNE)),
        ("flights@champion", Reference("flights", alias="champion")),
        ("flights@3", Reference("flights", number=3)),
        ("flights/3", Reference("flights", number=3)),
        ("flights/staging", Reference("flights", stage="staging")),
        ("what?", Reference("what?", alias="production")),
    ],
)
def test_what_it_means(text, meaning):
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "@", "@x", "x@", "/", "x/", "/x", "a/b/c", "models:", "models:/", "models://x/1", "models:x/1",
        "models:/x/", "models:/ /1", "models:/x/1/2", "models:/@x", "models:/x@", "runs:/r/m", "s3://b/x", "c:\\x",
        "flights@x?at=", "flights@x?at=yesterday", "flights@x?at=2013-13-01", "flights@x?at=99999-01-01",
    ],
)  # fmt: skip
def test_what_means_nothing(text):
    with pytest.raises(BadReference):
        parse(text)


names = st.text(string.ascii_letters + "_-. é@?", min_size=1).filter(lambda text: text.strip() and "?at=" not in text)
words = st.from_regex(r"[A-Za-z_-][\w-]{0,20}", fullmatch=True).filter(lambda text: text.lower() != "latest")


@unhurried
@given(names, st.integers(0, 2**31), words)
def test_what_is_put_together_is_taken_apart(name, number, word):
    assert parse(f"models:/{name}/{number}") == Reference(name, number=number)
    assert parse(f"models:/{name}@{word}") == Reference(name, alias=word)
    assert parse(f"models:/{name}/{word}?at=2013-06-01") == Reference(name, stage=word, at=JUNE)


@unhurried
@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except BadReference as error:
        assert error.text == text
