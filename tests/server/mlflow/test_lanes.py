"""Small writes share a transaction, and nobody pays for another one's fault."""

import asyncio
import threading

import pytest
import sqlalchemy as sa

from noria.server.mlflow.lanes import Lanes
from noria.tracking.tables import metric_names


@pytest.fixture
def lanes(ws):
    one = Lanes(ws.database)
    yield one
    one.close()


def insert(name, seen=None):
    def work(connection):
        if seen is not None:
            seen.append(connection)
        connection.execute(sa.insert(metric_names).values(name=name))
        if name.startswith("bad"):
            raise ValueError(name)
        return name

    return work


def names(ws):
    with ws.database.reading() as connection:
        return sorted(connection.execute(sa.select(metric_names.c.name)).scalars())


async def held_back(lanes, works):
    """Queue works while the writer's thread is busy, so that they wait together."""
    go = threading.Event()
    busy = asyncio.ensure_future(lanes.write(go.wait))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(lanes.write_together(work)) for work in works]
    await asyncio.sleep(0)
    go.set()
    await busy
    return await asyncio.gather(*waiting, return_exceptions=True)


def test_writes_that_wait_together_share_a_transaction(ws, lanes):
    seen = []
    assert asyncio.run(held_back(lanes, [insert(f"n{number}", seen) for number in range(5)])) == [f"n{number}" for number in range(5)]
    assert len({id(connection) for connection in seen}) == 1
    assert names(ws) == [f"n{number}" for number in range(5)]


def test_a_fault_of_one_undoes_it_alone(ws, lanes):
    told = asyncio.run(held_back(lanes, [insert("a"), insert("bad"), insert("b"), insert("bad too"), insert("c")]))
    assert [one if isinstance(one, str) else type(one) for one in told] == ["a", ValueError, "b", ValueError, "c"]
    assert names(ws) == ["a", "b", "c"]


def test_work_is_done_in_the_order_in_which_it_came(ws, lanes):
    order = []

    async def ask():
        async def note(number, shared):
            if shared:
                await lanes.write_together(lambda _: order.append(number))
            else:
                await lanes.write(lambda: order.append(number))

        await asyncio.gather(*(note(number, number % 3) for number in range(50)))

    asyncio.run(ask())
    assert order == list(range(50))


def test_somebody_who_no_longer_waits_holds_up_nobody(lanes, ws):
    async def ask():
        go = threading.Event()
        busy = asyncio.ensure_future(lanes.write(go.wait))
        await asyncio.sleep(0)
        gone = asyncio.ensure_future(lanes.write_together(insert("gone")))
        stays = asyncio.ensure_future(lanes.write_together(insert("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        go.set()
        await busy
        return await stays

    assert asyncio.run(ask()) == "stays"


def test_closing_finishes_what_waits_and_takes_no_more(ws):
    lanes = Lanes(ws.database)

    async def ask():
        waiting = [asyncio.ensure_future(lanes.write_together(insert(f"n{number}"))) for number in range(3)]
        await asyncio.sleep(0)
        await asyncio.to_thread(lanes.close)
        return await asyncio.gather(*waiting)

    assert asyncio.run(ask()) == ["n0", "n1", "n2"]
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(lanes.write(lambda: None))
