"""The report: whole in one file, everything escaped, and it says what happened."""

from __future__ import annotations

import html.parser
import re
from typing import Any

import pandas as pd
import pytest

from noria.core.clock import SystemClock, parse_moment
from noria.data.suites.model import Report, Suite
from noria.data.suites.page import headline, page, write_page
from noria.data.suites.profile import profile
from noria.data.suites.run import Options, check_opened
from noria.data.suites.table import Table, opened

AT = parse_moment("2024-06-10T12:00:00")
EVIL = "<script>alert('x')</script>"


@pytest.fixture
def shown(expect: Any) -> Any:
    def run(data: Any, *expectations: Any) -> tuple[Report, str]:
        with opened(Table("trips", data=pd.DataFrame(data))) as there:
            report = check_opened(Suite("suite", expectations), there, "trips", SystemClock(), Options())
            return report, page(report, profile(there), AT)

    return run


class Balanced(html.parser.HTMLParser):
    """Notices a tag that is closed without being open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "br", "rect", "i", "u"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "i", "u"):
            assert self.open.pop() == tag


def test_it_says_what_failed_and_shows_the_rows(shown: Any, expect: Any) -> None:
    data = {"id": [1, 2, 2], "fare": [5.0, -1.0, 7.0], "city": ["oslo", "Oslo ", "voss"]}
    report, text = shown(
        data,
        expect("column_values_to_be_unique", column="id"),
        expect("column_values_to_be_in_set", "warning", column="city", value_set=["oslo", "voss"], mostly=0.9),
        expect("column_values_to_be_valid_iban", column="city"),
        expect("column_to_exist", column="fare"),
    )
    assert "Two of 4 expectations do not hold: 1 critical, 1 warning. One could not be run." in text
    assert "is different in every row" in text
    assert "&#39;Oslo &#39;" in text
    assert "is one of oslo, voss, in at least 90% of rows" in text
    assert "this expectation is not known here" in text
    assert "What holds (1)" in text
    assert headline(report) in text


def test_nothing_in_it_comes_from_elsewhere(shown: Any, expect: Any) -> None:
    _, text = shown({"a": [1, 2]}, expect("column_to_exist", column="a"))
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script", text)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []


def test_whatever_a_table_says_is_only_shown(shown: Any, expect: Any) -> None:
    data = {EVIL: [EVIL, "b"], "n": [1, 2]}
    _, text = shown(
        data,
        expect("column_values_to_be_in_set", column=EVIL, value_set=[EVIL + "2"]),
        expect("column_values_to_match_regex", column="n", regex=EVIL),
        expect(EVIL, column=EVIL),
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 3


def test_all_kinds_of_columns_have_their_picture(shown: Any) -> None:
    times = pd.date_range("2024-01-01", periods=200, freq="h")
    data = {
        "number": [float(n) for n in range(199)] + [float("inf")], "same": [1.0] * 200, "none": [None] * 200,
        "text": [f"t{n % 30}" for n in range(200)], "time": times, "bool": [n % 3 == 0 for n in range(200)],
        "zoned": times.tz_localize("Europe/Oslo"), "empty": [""] * 200, "list": [[n] for n in range(200)],
        "day": [one.date() for one in times],
    }  # fmt: skip
    _, text = shown(data)
    assert text.count("<svg") == 4  # number, time, zoned; a list and few values have bars of counts, day has bins? no
    assert "The suite expects nothing." in text


def test_an_empty_table_has_a_report_too(shown: Any, expect: Any) -> None:
    _, text = shown({"a": []}, expect("column_values_to_not_be_null", column="a"))
    assert "All 1 expectations hold." in text
    assert "no values" in text


def test_a_page_is_written_whole(shown: Any, tmp_path: Any) -> None:
    report, text = shown({"a": [1]})
    write_page(tmp_path / "deep" / "report.html", report, {}, AT)
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["report.html"]
    assert "10 June 2024, 12:00 UTC" in (tmp_path / "deep" / "report.html").read_text()
