"""Graphs are said in the module; what cannot be served is told when the project is read, all at once."""

from __future__ import annotations

import pytest

from noria.core.errors import NotFound
from noria.project.load import load
from noria.serving.graphs.model import GraphSpec, StepSpec

MORE = """

class Priced(noria.Source):
    visit_id: str = noria.key()
    chance: float
    basket: float = noria.column(at_least=0)
    pages: str
    priced_at: datetime = noria.event_time()


worth = project.label("worth", Order.amount, of=Priced, matures_after=hours(24))


@project.model(features=[Customer, hour_of_day, Visit.pages], label=buys)
def second(X: pd.DataFrame, y: pd.Series) -> object:
    return None


@project.model(features=[Priced.chance, Priced.basket], label=worth)
def value(X: pd.DataFrame, y: pd.Series) -> object:
    return None


second.split(train=days(90), test=days(14), gap=hours(24))
value.split(train=days(90), test=days(14), gap=hours(24))


def tidy(row):
    return {**row, "customer": row["customer"].lower()}


def rounded(answer, row):
    return round(answer, 2)

"""
TOML = """
[source.Visit]
path = "data/visits/*.parquet"
[source.Order]
path = "data/orders/*.parquet"
[source.Priced]
path = "data/priced/*.parquet"
[buyer.values]
rate = 0.1
rounds = 100
"""
LAST = "buyer.retrain(noria.every(days(30)) | noria.drift(Customer), at_most=noria.every(days(7)))\n"


@pytest.fixture
def said(write):
    """A project with graphs, loaded."""

    def said(*lines):
        return load(write((LAST, LAST + MORE + "\n".join(lines)), toml=TOML)).plan

    return said


@pytest.fixture
def refused(faults):
    def refused(*lines):
        return faults((LAST, LAST + MORE + "\n".join(lines)), toml=TOML)

    return refused


def test_graphs_are_values_of_the_plan_members_first(said):
    plan = said(
        "project.ensemble('outer', 'both', second, combine='max')",
        "both = project.ensemble('both', buyer, second, combine='weighted', weights=(2, 1), before=tidy)",
    )
    assert [graph.name for graph in plan.graphs] == ["both", "outer"]
    (both, outer) = plan.graphs
    steps = (StepSpec("buyer", "buyer", 2.0), StepSpec("second", "second", 1.0))
    module = both.before.partition(":")[0]
    assert both == GraphSpec("both", "ensemble", steps, "weighted", before=f"{module}:tidy")
    assert outer.combine == "max"
    shown = plan.show()
    assert "graph both  (ensemble)" in shown and "buyer × 2, second × 1" in shown and "weighted" in shown


def test_functions_around_a_graph_are_found(write):
    loaded = load(write((LAST, LAST + MORE + "project.ensemble('both', buyer, second, before=tidy)"), toml=TOML))
    (graph,) = loaded.plan.graphs
    assert loaded.functions[graph.before]({"customer": "A"}) == {"customer": "a"}


def test_a_graph_is_served_with_all_that_it_asks(said):
    plan = said("project.ensemble('both', buyer, second)", "project.ensemble('outer', 'both', buyer)")
    models, graphs = plan.serving("outer")
    assert ([one.name for one in models], [one.name for one in graphs]) == (["buyer", "second"], ["both", "outer"])
    models, graphs = plan.serving("value")
    assert ([one.name for one in models], graphs) == (["value"], ())
    assert len(plan.serving()[0]) == 3 and len(plan.serving()[1]) == 2
    with pytest.raises(NotFound, match="did you mean 'outer'"):
        plan.serving("outr")


def test_the_steps_of_a_sequence_hand_their_answers_on(said, refused):
    (fault,) = refused("project.sequence('g', (buyer, 'chance'), value)")
    assert "value takes 'pages' as string, and another member as float" in fault
    (fault,) = refused("project.sequence('g', (buyer, 'pages'), value)")
    assert "value takes 'pages' as string, and the answer of buyer is a float" in fault
    assert said("project.sequence('g', (second, 'pages'), buyer)").graphs[0].steps[0].column == "pages"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("project.ensemble('g', buyer, 'secnd')", "g: there is no model or graph 'secnd' in this project (did you mean 'second'?)"),  # noqa: E501
        ("project.ensemble('g', buyer)", "g: an ensemble of 1 (name two members at least)"),
        ("project.sequence('g', buyer)", "g: a sequence of 1"),
        ("project.ensemble('g')", "g: an ensemble of 0"),
        ("project.ensemble('g', buyer, buyer)", "g: 'buyer' is there twice"),
        ("project.ensemble('g', buyer, Customer)", "is no model and no graph"),
        ("project.ensemble('g', buyer, (second, 'x'))", "is no model and no graph"),
        ("project.sequence('g', (buyer, 5), second)", "g: 5 is no name of a column"),
        ("project.ensemble('buyer', buyer, second)", "buyer: another model or graph has that name"),
        ("project.ensemble('a b', buyer, second)", "'a b' is no name for a graph"),
        ("project.ensemble(7, buyer, second)", "7 is no name for a graph"),
        ("project.ensemble('g', buyer, second, combine='mea')", "answers cannot be combined by 'mea' (did you mean 'mean'?)"),  # noqa: E501
        ("project.ensemble('g', buyer, second, combine=5)", "answers cannot be combined by 5"),
        ("project.ensemble('g', buyer, second, combine='weighted')", "g: weights are missing"),
        ("project.ensemble('g', buyer, second, weights=[1, 2])", "weights do not count when answers are combined by 'mean'"),  # noqa: E501
        ("project.ensemble('g', buyer, second, combine='vote', weights=[1])", "give 2 numbers above 0, one for each member"),  # noqa: E501
        ("project.ensemble('g', buyer, second, combine='vote', weights=[1, 0])", "give 2 numbers above 0"),
        ("project.ensemble('g', buyer, second, combine='vote', weights=[1, float('inf')])", "give 2 numbers above 0"),
        ("project.ensemble('g', buyer, second, combine='vote', weights=[1, 1e309])", "give 2 numbers above 0"),
        ("project.ensemble('g', buyer, second, combine='vote', weights='ab')", "give 2 numbers above 0"),
        ("project.ensemble('g', buyer, second, combine='vote', threshold=float('nan'))", "no finite number"),
        ("project.ensemble('g', buyer, second, before=lambda row: row)", "g: before is no function that has a name"),
        ("project.ensemble('g', buyer, second, before='tidy')", "g: before is no function that has a name"),
        ("project.ensemble('g', buyer, second, before=rounded)", "before: rounded takes 2 parameters (it is given the row)"),  # noqa: E501
        ("project.sequence('g', buyer, second)", "g: second takes no column 'buyer', the answer of buyer (columns are visit_id, customer, pages, started_at)"),  # noqa: E501
        ("project.sequence('g', (buyer, 'page'), second)", "takes no column 'page', the answer of buyer (did you mean 'pages'?)"),  # noqa: E501
        ("project.ensemble('g', 'g', buyer)", "g: asks itself: g → g"),
        ("project.ensemble('g', 'h', buyer); project.ensemble('h', 'i', buyer); project.ensemble('i', 'g', buyer)", "asks itself: g → h → i → g"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_graph_that_cannot_be_served_is_refused_when_the_project_is_read(refused, line, fault):
    assert any(fault in one for one in refused(line)), refused(line)


def test_faults_of_all_graphs_are_told_at_once(refused):
    found = refused(
        "project.ensemble('g', buyer)", "project.ensemble('h', buyer, 'scond')", "project.ensemble('g', buyer, second)"
    )
    assert len(found) == 3
