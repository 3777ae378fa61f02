"""A TOML file that cannot be read is told with its place."""

from __future__ import annotations

import pytest

from noria.config.toml import BadToml, read_toml


def test_a_file_is_read(tmp_path):
    (tmp_path / "a.toml").write_text("[model]\nrate = 0.5\n", encoding="utf-8")
    assert read_toml(tmp_path / "a.toml") == {"model": {"rate": 0.5}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"rate = = 1", "line 1"),
        (b"a = 1\na = 2\n", "is not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a = 1\x00", "not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, content, message):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(BadToml, match=message):
        read_toml(tmp_path / "a.toml")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadToml, match=r"there is no file a\.toml"):
        read_toml(tmp_path / "a.toml")
