"""What a user got wrong is told all at once, each with its place and a suggestion; what is right is a plan."""

from __future__ import annotations

import dataclasses

import pytest

import noria
from noria.core.errors import NotFound
from noria.project.load import load


def test_a_plan_is_a_frozen_value_that_can_be_printed_and_compared(write):
    plan = load(write()).plan
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.project = "other"
    shown = plan.show()
    for said in (
        "project shop",
        "source Order  (data/orders/*.parquet)",
        "amount        float [euro] ≥ 0",
        "Customer.orders_7d, Customer.orders_24h, Customer.last, hour_of_day, pages",
        "rate = 0.1, rounds = 100, kind = tree",
        "train 90d, test 14d, gap 24h",
        "roc_auc >= 0.6; p95 latency <= 20ms",
        "every(30d) | drift(Customer), at most every 7d",
    ):
        assert said in shown


def test_the_same_project_is_the_same_plan_and_any_change_is_another(example):
    assert load(example).plan.digest == load(example).plan.digest
    before = load(example).plan.digest
    toml = example / "flights.toml"
    toml.write_text(toml.read_text().replace("max_iter = 150", "max_iter = 151"))
    changed = load(example).plan.digest
    module = example / "flights.py"
    module.write_text(module.read_text().replace("return departs.hour", "return departs.hour + 1"))
    assert len({before, changed, load(example).plan.digest}) == 3


def test_a_comment_changes_no_plan(example):
    before = load(example).plan.digest
    module = example / "flights.py"
    module.write_text(module.read_text() + "\n# to be continued\n")
    assert load(example).plan.digest == before


def test_asking_for_a_model(write):
    plan = load(write()).plan
    assert plan.model().name == plan.model("buyer").name == "buyer"
    with pytest.raises(NotFound, match="did you mean 'buyer'"):
        plan.model("buier")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('entity="customer"', 'entity="costumer"', "Customer: entity='costumer' is no column of Order (did you mean 'customer'?)"),  # noqa: E501
        ("    customer: str\n    pages", "    pages", "Customer: looks up 'customer', which Visit does not have"),
        ("    customer: str\n    pages", "    customer: int\n    pages", "'customer' is string here but int in Visit"),
        ("latest(Order.amount, ttl=hours(6))", "latest(Visit.pages, ttl=hours(6))", "Visit.pages is of Visit, but the view's source is Order"),  # noqa: E501
        ("latest(Order.amount, ttl=hours(6))", "mean(Order.customer, over=hours(6))", "Customer.last: mean() takes a number; Order.customer is string"),  # noqa: E501
        ("latest(Order.amount, ttl=hours(6))", "share(Order.amount, over=hours(6))", "share() takes a comparison"),
        ("latest(Order.amount, ttl=hours(6))", "latest(Order.amount, ttl=hours(0))", "needs a length of time above zero"),  # noqa: E501
        ("orders = count(over=[days(7), hours(24)])\n    last = latest(Order.amount, ttl=hours(6))", "pass", "Customer: has no features"),  # noqa: E501
        ("FeatureView[Order]", "FeatureView", "Customer: does not say its source"),
        ("(started_at: datetime)", "(startd_at: datetime)", "hour_of_day: takes 'startd_at', which is no column of Visit (did you mean 'started_at'?)"),  # noqa: E501
        ("(started_at: datetime)", "(customer: datetime)", "takes 'customer' as a datetime; it is string"),
        ("-> int:\n    return started_at", "-> list[int]:\n    return started_at", "hour_of_day: does not say what it returns"),  # noqa: E501
        ("Visit.pages], label", "Order.amount], label", "Order.amount is not known when asked (only columns of Visit are; make a view)"),  # noqa: E501
        ("Visit.pages], label", "42], label", "buyer.features: 42 is no view, function or column"),
        ("gap=hours(24)", "gap=hours(23)", "buyer.split: gap=23h is shorter than the label takes to mature (24h)"),
        ("test=days(14)", "test=days(0)", "must be above zero"),
        ("buyer.split(train=days(90), test=days(14), gap=hours(24))", "", "buyer.split: is not said"),
        ('"roc_auc"', '"roc_auk"', "there is no metric 'roc_auk' (did you mean 'roc_auc'?)"),
        ('noria.latency("p95") <=', 'noria.latency("p96") <=', "there is no latency 'p96'"),
        ("noria.drift(Customer) > 0.2", 'noria.missing(hour_of_day) > 0.2', "the model does not see"),
        ("started_at: datetime = noria.event_time()", "started_at: datetime", "Visit: has no event time"),
        ("    paid: bool", "    paid: datetime = noria.event_time()", "Order: has 2 event times (paid, ordered_at)"),
        ("    paid: bool", "    paid: list", "Order.paid: a column cannot be of type list"),
        ("    paid: bool", "    paid: bool = noria.column(at_least=1)", "Order.paid: only numbers have bounds"),
        ("    visit_id: str = noria.key()\n    customer: str\n    pages", "    visit_id: str\n    customer: str\n    pages", "buyer.label: Visit has no key"),  # noqa: E501
        ("Order.amount > 0, of", "17, of", "buyer.label: 17 is no column and no comparison of one"),
        ("percent(10, requests(500)),", "percent(50, requests(5)), percent(10, requests(5)),", "the share falls from one stage to the next"),  # noqa: E501
        ("at_most=noria.every(days(7))", "at_most=days(7)", "at_most is a length of time"),
        ("X: pd.DataFrame", "X: object", "the first parameter does not say its frame"),
    ],
)  # fmt: skip
def test_a_fault_has_a_place_and_a_suggestion(faults, old, new, said):
    told = faults((old, new))
    assert any(said in fault for fault in told), told


def test_every_fault_of_module_and_values_comes_at_once(faults):
    told = faults(
        ('entity="customer"', 'entity="costumer"'),
        ("(started_at: datetime)", "(startd_at: datetime)"),
        ("gap=hours(24)", "gap=hours(1)"),
        ('"roc_auc"', '"roc_auk"'),
        ("    paid: bool", "    paid: datetime = noria.event_time()"),
        toml='[source.Vist]\npath = "x"\n[source.Order]\n[buyer.values]\nrat = 1\nrounds = "many"\n[worksapce]\n',
    )
    for said in ("costumer", "startd_at", "gap=1h", "roc_auk", "2 event times", "source.Vist", "source.Visit",
                 "source.Order", "values.rat:", "values.rate: is missing", "values.rounds: must be int", "worksapce"):  # fmt: skip  # noqa: E501
        assert any(said in fault for fault in told), said
    assert len(told) == len(set(told))


def test_a_project_without_a_model_says_so(faults, write):
    with pytest.raises(noria.NoriaError, match="declares no model"):
        folder = write()
        module = folder / f"{folder.name}.py"
        module.write_text('import noria\nproject = noria.Project("shop", values="shop.toml")\n')
        (folder / "shop.toml").write_text("")
        load(folder)


@pytest.mark.parametrize("rule", [noria.metric("roc_auc") >= 0.6, noria.every(noria.days(1))], ids=str)
def test_a_rule_used_as_a_fact_raises_and_names_the_remedy(rule):
    with pytest.raises(TypeError, match="Join rules with"):
        bool(rule)
    with pytest.raises(TypeError, match=r"has no truth value until it is measured"):
        assert rule


def test_a_comparison_of_columns_used_as_a_fact_raises(example):
    import sys

    load(example)
    delay = sys.modules["flights"].Arrival.delay
    with pytest.raises(TypeError, match=r"Arrival.delay > 15.0 is a predicate on rows"):
        bool(delay > 15)
    for nonsense in (None, True, delay, float("nan"), float("inf")):
        with pytest.raises(TypeError, match="compared with a number or a text"):
            delay < nonsense  # noqa: B015
