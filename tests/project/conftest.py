"""Small project files, written from a text and loaded as a user's are."""

from __future__ import annotations

import itertools
from importlib.resources import files

import pytest

from noria.core.errors import FaultyInput
from noria.project.load import load

GOOD = """
from datetime import datetime
import pandas as pd
import noria
from noria import count, days, hours, latest, mean, ms, percent, requests, share

project = noria.Project("shop", values="shop.toml")


class Visit(noria.Source):
    visit_id: str = noria.key()
    customer: str
    pages: float
    started_at: datetime = noria.event_time()


class Order(noria.Source):
    visit_id: str = noria.key()
    customer: str
    amount: float = noria.column(unit="euro", at_least=0)
    paid: bool
    ordered_at: datetime = noria.event_time()


class Customer(noria.FeatureView[Order], entity="customer"):
    orders = count(over=[days(7), hours(24)])
    last = latest(Order.amount, ttl=hours(6))


@project.feature
def hour_of_day(started_at: datetime) -> int:
    return started_at.hour


buys = project.label("buys", Order.amount > 0, of=Visit, matures_after=hours(24))


@project.model(features=[Customer, hour_of_day, Visit.pages], label=buys)
def buyer(X: pd.DataFrame, y: pd.Series, *, rate: float, rounds: int, kind: str = "tree") -> object:
    return None


auc = noria.metric("roc_auc")
buyer.split(train=days(90), test=days(14), gap=hours(24))
buyer.gates(auc >= 0.6, noria.latency("p95") <= ms(20))
buyer.rollout(noria.shadow(requests(200)), percent(10, requests(500)), abort=noria.latency("p95") > ms(50))
buyer.monitors(noria.drift(Customer) > 0.2)
buyer.retrain(noria.every(days(30)) | noria.drift(Customer), at_most=noria.every(days(7)))
"""
TOML = """
[source.Visit]
path = "data/visits/*.parquet"
[source.Order]
path = "data/orders/*.parquet"
[buyer.values]
rate = 0.1
rounds = 100
"""
_numbers = itertools.count()


@pytest.fixture
def write(tmp_path):
    """Write the good project with pieces replaced (old, new), and other values; gives its folder."""

    def write(*changes, toml=TOML):
        text = GOOD
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        folder = tmp_path / f"shop{next(_numbers)}"
        folder.mkdir()
        (folder / f"{folder.name}.py").write_text(text)
        (folder / "shop.toml").write_text(toml)
        return folder

    return write


@pytest.fixture
def faults(write):
    """The faults of a changed project, as lines of text."""

    def faults(*changes, toml=TOML):
        with pytest.raises(FaultyInput) as refused:
            load(write(*changes, toml=toml))
        return [str(fault) for fault in refused.value.faults]

    return faults


@pytest.fixture
def example(tmp_path):
    """The flights example without its data."""
    template = files("noria.project") / "templates" / "flights"
    (tmp_path / "flights.py").write_text((template / "flights.py.txt").read_text())
    (tmp_path / "flights.toml").write_text((template / "flights.toml").read_text())
    return tmp_path
