"""`noria features`: the views that were ever recorded, their versions, what they hold and who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json, say_table

if TYPE_CHECKING:
    from noria.registry.view_lineage import ViewStanding

Named = Annotated[str, typer.Argument(help="The feature view.", metavar="NAME")]
Number = Annotated[int | None, typer.Argument(help="A version's number.", metavar="[V]", min=1, show_default=False)]
_NOTHING = "No feature view has been recorded yet: `noria run` records those of its plan."
_FILES = 5


class _NameOrVerb(TyperGroup):
    """`noria features Airport` is short for `noria features show Airport`, and `noria features` for `show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in self.commands and not {"-h", "--help"} & set(args):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_NameOrVerb, help="Feature views: their versions, what they hold, and who reads them.")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The feature view; every one without a name.")] = "",
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Print the feature views, or one view's versions and features."""
    from noria.registry.view_lineage import view_standings

    ws = open_stores(project)
    standings = view_standings(ws, name)
    if json:
        say_json([_as_json(one) for one in standings])
    elif not standings:
        print(_NOTHING)
    elif name:
        _one(standings)
    else:
        _all(standings)


@app.command("diff")
def diff(name: Named, old: Number = None, new: Number = None, project: Folder = HERE, json: Json = False) -> None:
    """Say what changed between two versions of a view; without numbers, between the last two."""
    from noria.core.errors import BadInput
    from noria.features.registry.changes import changes
    from noria.features.registry.reading import view_history, view_version

    ws = open_stores(project)
    history = view_history(ws, name)
    if old is None and len(history) == 1:
        raise BadInput(f"{name} has one version only", hint="a changed definition becomes the next one on `noria run`")
    after = view_version(ws, name, new) if new or old else history[-1]
    before = view_version(ws, name, old) if old else history[-2]
    told = changes(before.definition, after.definition)
    if json:
        say_json({"view": name, "before": before.number, "after": after.number, "changes": told})
        return
    print(f"{name} version {before.number} to version {after.number}:")
    for sentence in told or ["Nothing: they mean the same."]:
        print(f"  {sentence}")


@app.command("lineage")
def lineage(name: Named, project: Folder = HERE, json: Json = False) -> None:
    """Print what leads to a view and from it: snapshots and files below, models above."""
    from noria.core.clock import show_moment
    from noria.registry.view_lineage import view_lineage

    walk = view_lineage(open_stores(project), name)
    if json:
        say_json(walk)
        return
    for one in walk["versions"]:
        print(f"{name} version {one['version']}  ({one['state']}{', current' if one['current'] else ''})")
        for use in one["models"]:
            trained = f", trained on snapshot {use['snapshot'][:12]}" if use["snapshot"] else ""
            print(f"  read by {use['model']} version {use['version']}, {use['stage']}{trained}")
        print(f"  computed from {one['source']}")
        for digest, taken in one["snapshots"].items():
            rows = f", {taken['rows']:,} rows as of {show_moment(taken['as_of'])}" if taken["known"] else ", not here"
            print(f"    snapshot {digest[:12]}{rows}")
            files = list(taken.get("files", {}).items())
            for file, content in files[:_FILES]:
                print(f"      {file}  {content[:12]}")
            if len(files) > _FILES:
                print(f"      ... and {len(files) - _FILES} more files; --json lists them all")


def _all(standings: list[ViewStanding]) -> None:
    rows = [
        (
            one.version.view, one.version.number, ", ".join(one.version.entities), one.state, _readers(one),
            _moment(one.newest_event)[:10],
        )
        for one in standings
        if one.version.current or one.uses
    ]  # fmt: skip
    say_table("", ["view", "version", "entity", "state", "read by", "newest"], rows)
    hidden = len(standings) - len(rows)
    if hidden:
        print(f"\n{hidden} older version{'s' if hidden > 1 else ''} that nobody reads: see noria features NAME.")


def _one(standings: list[ViewStanding]) -> None:
    from noria.core.clock import show_moment

    current = next(one for one in standings if one.version.current)
    version = current.version
    print(f"{version.view}: features of {', '.join(version.entities)}, computed from {version.source}")
    if current.figures:
        _say_freshness(current)
    print()
    rows = [
        (
            f"{one.version.number}{' *' if one.version.current else ''}", one.state, show_moment(one.version.created),
            one.version.actor, _readers(one),
        )
        for one in standings
    ]  # fmt: skip
    say_table("Versions (* is the current one)", ["version", "state", "recorded", "by", "read by"], rows)
    print()
    say_table(f"Features of version {version.number}", ["feature", "what", "nulls", "range", "typical"], _rows(current))


def _say_freshness(standing: ViewStanding) -> None:
    from noria.core.clock import show_moment

    seen = standing.figures[0]
    age = "" if standing.age is None else f" ({_ago(standing.age)})"
    print(f"newest event {_moment(standing.newest_event)}{age}, as the last turn saw its source")
    print(f"figures of {seen.rows:,} requests of {seen.model}, at {show_moment(seen.at)}")


def _ago(micros: int) -> str:
    """How long ago, in whole days or hours.

    >>> _ago(90 * 86_400_000_000), _ago(7_300_000_000), _ago(5)
    ('90d ago', '2h ago', 'less than 1h ago')
    """
    hours = micros // 3_600_000_000
    return f"{hours // 24}d ago" if hours >= 48 else f"{hours}h ago" if hours else "less than 1h ago"


def _rows(standing: ViewStanding) -> list[tuple[str, ...]]:
    from noria.features.registry.wording import about

    seen = {one.name: one for one in standing.figures[0].features} if standing.figures else {}
    rows: list[tuple[str, ...]] = []
    for feature in standing.version.features:
        found = seen.get(feature["name"])
        figures = ("", "", "") if found is None else (f"{found.nulls:.1%}", _range(found), _typical(found))
        rows.append((str(feature["name"]), about(feature), *figures))
    return rows


def _range(found: Any) -> str:
    return "" if found.least is None else f"{found.least:.4g} to {found.greatest:.4g}"


def _typical(found: Any) -> str:
    if found.top:
        return ", ".join(f"{value} {share:.0%}" for value, share in list(found.top.items())[:3])
    return "" if found.mean is None else f"mean {found.mean:.4g}"


def _readers(standing: ViewStanding) -> str:
    models: dict[str, list[int]] = {}
    for use in standing.uses:
        models.setdefault(use.model, []).append(use.version)
    return "; ".join(f"{model} {_spans(numbers)}" for model, numbers in models.items()) or "nobody"


def _spans(numbers: list[int]) -> str:
    """Runs of numbers as spans.

    >>> _spans([1, 2, 3, 5])
    '1-3, 5'
    """
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)


def _moment(moment: int | None) -> str:
    from noria.core.clock import show_moment

    return "" if moment is None else show_moment(moment)


def _as_json(standing: ViewStanding) -> dict[str, Any]:
    version = standing.version
    return {
        "view": version.view, "version": version.number, "current": version.current, "state": standing.state,
        "digest": version.digest, "recorded": version.created, "by": version.actor, "source": version.source,
        "entities": version.entities, "features": version.features, "read_by": standing.uses,
        "newest_event": standing.newest_event, "age_seconds": None if standing.age is None else standing.age / 1e6,
        "figures": standing.figures,
    }  # fmt: skip
