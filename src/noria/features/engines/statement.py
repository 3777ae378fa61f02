"""Features of many requests as one SQL statement, point-in-time and as known, on any engine.

The universal form: every request is joined with the rows of its entity that had happened and were known when
it was asked, back to the longest window; one GROUP BY then takes all windows at once, each aggregate looking
only at its own rows. It needs no as-of join (three of five engines have none) and says the bitemporal
condition in so many words. What it costs is the number of (request, row) pairs of the longest window.

The steps are `WITH` clauses; each lookup has a number N:

    spine      the requests, typed            asked_N    its distinct moments and keys, and where windows begin
    rows_N     the view's source, typed       events_N   each event once, with when it was taken back
    wide_N_M   events with joined columns     pairs_N    asked_N with the events that count, and who holds them
    parts_N    one aggregate a number         view_N     features from these numbers and from sketches
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from noria.features.dialects.base import Dialect
from noria.features.engines.events import listed
from noria.features.engines.model import BadLookup, Lookup, Rows, Statement, needs
from noria.features.engines.view_steps import ViewSteps
from noria.features.model import Knowledge


def statement(
    dialect: Dialect,
    spine: Rows,
    asked_at: str,
    lookups: Sequence[Lookup],
    sources: Mapping[str, Rows],
    knowledge: Knowledge = "as_known",
) -> Statement:
    """Every column of the spine, then the features of each lookup, named `View.feature`.

    Requests without a moment or without a key get what an entity without rows gets: counts of 0, else null.
    Raises BadLookup when a column is missing, or two of the result would have one name.
    """
    needs("the requests", spine, [asked_at, *(key for lookup in lookups for key in lookup.keys)])
    views = [ViewSteps(dialect, place, lookup, knowledge) for place, lookup in enumerate(lookups)]
    typed = [f"{dialect.quoted(spine.names.get(name, name))} AS r{n}" for n, name in enumerate(spine.columns)]
    typed += [f"{spine.column(dialect, asked_at)} AS noria_t"]
    typed += [key for view in views for key in view.asked_keys(spine)]
    steps = [("spine", f"SELECT\n    {listed(typed)}\n  FROM {spine.sql} requests")]
    steps += [step for view in views for step in view.steps(sources)]
    shown = [f"spine.r{n} AS {dialect.quoted(name)}" for n, name in enumerate(spine.columns)]
    shown += [feature for view in views for feature in view.shown()]
    tail = "\n".join(["FROM spine", *(view.joined() for view in views)])
    features = {f"{one.view.name}.{feature.name}": feature for one in lookups for feature in one.view.features}
    _differ([*spine.columns, *(f"{one.view.name}.{feature.name}" for one in lookups for feature in one.view.features)])
    shared = tuple(view.pairs for view in views if view.sketched)
    last = f"SELECT\n  {listed(shown, 2)}\n{tail}"
    return Statement(last, tuple(steps), (*spine.columns, *features), features, shared)


def _differ(names: Sequence[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadLookup(
            f"the result would have more than one column called {', '.join(twice[:5])}",
            hint="look a view up once, or give it another name the second time (dataclasses.replace)",
        )
