"""What changed between two definitions, said in sentences."""

from dataclasses import replace

from declared import airport, departure, others, view

from noria.core.units import hours, minutes
from noria.features.registry.changes import changes
from noria.features.registry.meaning import definition
from noria.project.views import count, mean


def told(before: object, after: object) -> list[str]:
    return changes(definition(before), definition(after))  # type: ignore[arg-type]


def test_the_same_is_no_change() -> None:
    assert told(airport(), airport(departure(more=True))) == []


def test_every_feature_is_told_apart() -> None:
    source = departure()

    assert told(airport(source), airport(source, **others(source))) == [
        "flights is called departures now; it means the same.",
        "share_late: predicate was delay > 15 and is delay > 20.",
        "last_delay: the time to live grew from 6h to 12h.",
        "worst is new: the greatest delay over 3h.",
    ]
    assert told(airport(source, **others(source)), airport(source))[-1] == (
        "worst is gone; it was the greatest delay over 3h."
    )


def test_a_window_and_a_kind_that_change() -> None:
    source = departure()
    before = airport(source, busy=count(over=hours(3)), typical=mean(source.delay, over=hours(2)))
    after = airport(source, busy=mean(source.delay, over=hours(3)), typical=mean(source.delay, over=minutes(30)))

    assert told(before, after) == [
        "busy: it was a count and is a mean; column was not said and is delay; dtype was int and is float.",
        "typical: the window shrank from 2h to 30min.",
    ]


def test_what_the_columns_mean_is_part_of_it() -> None:
    assert told(airport(), airport(departure(unit="seconds"))) == [
        "Column delay: unit was minutes and is seconds.",
    ]


def test_another_entity_or_source() -> None:
    source = departure(more=True)
    other = view("Airport", source, "gate", {"flights": count(over=hours(1))})
    before = airport(source, flights=count(over=hours(1)))

    assert told(before, other)[0] == "The entity was origin and is gate: every value is of somebody else."
    assert told(before, replace(before, source="Arrival")) == ["The view's source was Departure and is Arrival."]
