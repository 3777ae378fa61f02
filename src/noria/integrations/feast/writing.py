"""A draft as files: the project's module, its TOML file, and what the reader has to know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noria.integrations.feast.draft import Draft, DraftSource, DraftView
from noria.integrations.feast.naming import prose
from noria.integrations.feast.places import toml_of

NOTES = "FROM_FEAST.md"


def files(draft: Draft, out: Path) -> dict[str, str]:
    """The content of every file by its name; paths to data are written as seen from `out`."""
    return {
        f"{draft.name}.py": module(draft),
        f"{draft.name}.toml": values(draft, out),
        NOTES: notes(draft),
        ".gitignore": ".noria/\n__pycache__/\n",
    }


def module(draft: Draft) -> str:
    """The module that says what the project's sources and views are."""
    parts = [
        f'"""{prose(draft.name)}: sources and feature views, as a Feast registry had them."""',
        "from datetime import datetime\n\nimport noria",
        f'project = noria.Project("{draft.name}", values="{draft.name}.toml")',
        *(_blank(_source(one)) for one in draft.sources),
        *(_blank(_view(one)) for one in draft.views),
        *([_blank(list(_groups(draft)))] if draft.groups else []),
        _blank([f"project.views({', '.join(view.name for view in draft.views)})"]) if draft.views else "",
    ]
    return "\n\n".join(part for part in parts if part).replace("\n\n\n\n", "\n\n\n") + "\n"


def values(draft: Draft, out: Path) -> str:
    """The TOML file that says where the rows lie."""
    tables = (f"[source.{one.name}]\n" + "\n".join(toml_of(one, out)) for one in draft.sources)
    return "\n\n".join([f"# {draft.name}.py says what; this file says how much and where.", *tables]) + "\n"


def notes(draft: Draft) -> str:
    """What came over, what did not, and what is different here."""
    lines = [
        f"# {draft.name}, from Feast",
        "",
        f"{len(draft.sources)} sources, {len(draft.views)} feature views, {len(draft.groups)} feature services.",
        "",
        "## What is different here",
        "",
        "- A row counts for a request when it had happened and was known by then: `ingested_at`, which is Feast's "
        "created timestamp where a source has one, must not lie after the request. Feast looks at the event's time "
        "alone unless `filter_by_created_timestamp` is asked for. A table that was filled afterwards has late created "
        "timestamps; to learn from it all the same, ask for hindsight where the model is declared "
        "(`hindsight=True`), or leave `ingested_at` out of the query.",
        "- The online store enforces `ttl` as the training set does; Feast's does not.",
        "- A view without a model is declared with `project.views(…)`. A feature service is a tuple of views: give it "
        "to a model as `features=[*NAME]`.",
        "",
        "## What was not translated, or wants your attention",
        "",
        *([f"- **{one.what}** {one.why}." for one in draft.notes] or ["Nothing: everything came over."]),
    ]
    return "\n".join(lines) + "\n"


def _blank(lines: list[str]) -> str:
    return "\n" + "\n".join(lines)


def _source(source: DraftSource) -> list[str]:
    known = f'; known since "{source.created}"' if source.created else ""
    about = f'    """{prose(source.about)}{prose(known)}."""'
    columns = [f"    {one.name}: {one.annotation}" for one in source.columns.values()]
    time = f"    {source.event_time.name}: datetime = noria.event_time()"
    return [f"class {source.name}(noria.Source):", about, "", *columns, time]


def _view(view: DraftView) -> list[str]:
    entity = (
        f'"{view.entities[0]}"' if len(view.entities) == 1 else "(" + ", ".join(f'"{e}"' for e in view.entities) + ")"
    )
    features = [f"    {one.name} = {one.expression}" for one in view.features]
    head = f"class {view.name}(noria.FeatureView[{view.source}], entity={entity}):"
    return [head, f'    """{prose(view.about)}."""', "", *features]


def _groups(draft: Draft) -> Iterator[str]:
    for group in draft.groups:
        said = f": {prose(group.about)}" if group.about else ""
        yield f"# Feast's feature service {group.name}{said}"
        yield f"{group.name} = ({', '.join(group.views)}{',' if len(group.views) == 1 else ''})"
