"""`noria check`: a table against a suite, a suite inferred from a table, two tables against each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from noria.cli.opening import Json
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.data.suites.model import Report, Suite
    from noria.data.suites.table import Table


class _TableOrVerb(TyperGroup):
    """`noria check trips.parquet` is short for `noria check table trips.parquet`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = next((one for one in args if not one.startswith("-")), None)
        if named not in self.commands and args and not {"-h", "--help"} & set(args[:1]):
            args = ["table", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_TableOrVerb, help="Check a table against a suite, infer one, compare two tables.")

_TABLE = typer.Argument(help="A Parquet or CSV file, a glob, a folder, or a SELECT.")


@app.command("table")
def table(
    table: Annotated[str, _TABLE],
    suite: Annotated[str, typer.Option("--suite", "-s", help="JSON, dbt's schema.yml[:model], or schemas.py:Name.")],
    report: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    quarantine: Annotated[Path | None, typer.Option(help="Write the bad rows, with reasons, as Parquet.")] = None,
    ge_results: Annotated[Path | None, typer.Option(help="Write Great Expectations' validation result.")] = None,
    environment: Annotated[str, typer.Option(help='Leave out what is not meant for it, such as "serving".')] = "",
    other: Annotated[list[str] | None, typer.Option("--table", help="A further table: NAME=PLACE.")] = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-P", help="NAME=VALUE (JSON).")] = None,
    strict: Annotated[bool, typer.Option(help="Fail on warnings and on what could not be run, too.")] = False,
    json: Json = False,
) -> None:
    """Check TABLE; the exit code is 1 when something critical does not hold."""
    from noria.cli.check_table import Wanted, check_table

    wanted = Wanted(report, quarantine, ge_results, environment, _pairs(other), _values(parameter), not json)
    done = check_table(table, suite, wanted)
    if json:
        from noria.data.suites.results import summary

        say_json(summary(done))
    else:
        _say(done)
    if _stops(done, strict=strict):
        sys.exit(1)


@app.command("infer")
def infer(
    table: Annotated[str, _TABLE],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the suite there.")] = None,
    name: Annotated[str, typer.Option(help="The suite's name; the table's without one.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="A column that is absent at serving.")] = None,
) -> None:
    """Print (or write) the suite that TABLE fits: read it before relying on it."""
    from noria.cli.check_table import inferred
    from noria.data.suites.documents import dump_suite

    suite: Suite = inferred(table, name, label or [])
    if output is None:
        sys.stdout.write(dump_suite(suite))
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(dump_suite(suite), encoding="utf-8")
    print(f"{len(suite.expectations)} expectations of {table} in {output}; read them before relying on them.")


@app.command("compare")
def compare(
    baseline: Annotated[str, typer.Argument(help="What came before, or what was learnt from.")],
    current: Annotated[str, typer.Argument(help="What came after, or what is served.")],
    suite: Annotated[str, typer.Option("--suite", "-s", help="A suite with thresholds and environments.")] = "",
    environment: Annotated[str, typer.Option(help='Columns not meant for it may be absent, such as "serving".')] = "",
    threshold: Annotated[list[str] | None, typer.Option("--threshold", "-t", help="NUMBER, or COLUMN=NUMBER.")] = None,
    json: Json = False,
) -> None:
    """Measure how far each column has moved; the exit code is 1 when one moved too far, is gone or new."""
    from noria.cli.check_table import compared, say_comparison

    found = compared(baseline, current, suite, environment, threshold or [])
    if json:
        say_json(found)
    else:
        say_comparison(found)
    if found.verdict == "failed":
        sys.exit(1)


def _pairs(given: list[str] | None) -> dict[str, Table]:
    from noria.core.errors import BadInput
    from noria.data.suites.table import table_at

    found = {}
    for one in given or []:
        name, separator, place = one.partition("=")
        if not separator:
            raise BadInput(f"--table {one!r} is no NAME=PLACE", hint="such as --table customers=customers.parquet")
        found[name] = table_at(place)
    return found


def _values(given: list[str] | None) -> dict[str, Any]:
    import json

    found: dict[str, Any] = {}
    for one in given or []:
        name, _, value = one.partition("=")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _stops(done: Report, *, strict: bool) -> bool:
    if strict:
        return any(one.verdict != "passed" for one in done.outcomes)
    return done.verdict == "failed"


def _say(done: Report) -> None:
    from noria.cli.check_table import say_report

    say_report(done)
