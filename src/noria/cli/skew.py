"""`noria skew`: whether serving saw what training would."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from noria.cli.opening import HERE, Folder, Json, open_project
from noria.cli.output import say_json, say_table

if TYPE_CHECKING:
    from noria.retraining.skew import FeatureSkew, Skew


def command(
    model: Annotated[str, typer.Argument(help="The model.")],
    project: Folder = HERE,
    since: Annotated[str, typer.Option(help="Only what was answered from this moment on.", metavar="DATE")] = "",
    until: Annotated[str, typer.Option(help="Only what was answered before this moment.", metavar="DATE")] = "",
    most: Annotated[int, typer.Option(help="The newest so many answers.", min=1)] = 100_000,
    json: Json = False,
) -> None:
    """Ask logged requests again offline and tell which features differ; ends with 1 when one does."""
    from noria.core.clock import parse_moment
    from noria.core.errors import BadInput
    from noria.retraining.skew import measure_skew

    try:
        first, last = (parse_moment(text) if text else None for text in (since, until))
    except ValueError as error:
        raise BadInput(f"--since or --until is no moment: {error}", hint="such as 2013-06-01") from None
    loaded, ws = open_project(project)
    found = measure_skew(ws, loaded.plan.model(model), loaded.functions, since=first, until=last, most=most)
    if json:
        say_json({**asdict(found), "mismatches": found.mismatches})
    else:
        _show(found)
    if found.mismatches:
        raise typer.Exit(1)


def _show(found: Skew) -> None:
    from noria.core.clock import show_moment

    if found.features:
        rows = [
            (one.feature, one.version, f"{one.compared:,}", f"{one.mismatches:,}", f"{one.share:.2%}", _worst(one))
            for one in found.features
        ]
        say_table(found.model, ["feature", "version", "compared", "differ", "share", "for example"], rows)
    if found.ahead and found.known_until is not None:
        moment = show_moment(found.known_until)
        print(f"{found.ahead:,} answers are newer than history, which ends at {moment}: not compared")
    verdict = f"{found.mismatches:,} values differ" if found.mismatches else "nothing differs"
    print(f"{found.requests:,} requests asked again: {verdict}")


def _worst(one: FeatureSkew) -> str:
    return f"served {one.examples[0].served}, history {one.examples[0].computed}" if one.examples else ""
