"""The contract of the registry with cancelled calls: a change is complete or absent, and blocks no
other call."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from domain.database import Database
from domain.errors import DatabaseNotFound
from domain.lifecycle import State
from ports.driven.registry import Position, Query, Registry
from tests.support.polling import PATIENCE
from tests.support.records import new_record

MOMENTS = [*range(12), *range(12, 60, 4)]
"""Turns of the loop before the cancellation."""


async def test_a_cancelled_add_is_complete_or_absent(registry: Registry) -> None:
    for moment in MOMENTS:
        new = new_record()

        await cancel_at(registry.add(new), moment)

        try:
            assert (await registry.get(new.id)).names == new.names
        except DatabaseNotFound:
            assert (await registry.add(new)).names == new.names


async def test_a_cancelled_update_is_complete_or_absent(registry: Registry) -> None:
    for moment in MOMENTS:
        before = await registry.add(new_record())
        after = before.transition_to(State.READY)

        await cancel_at(registry.update(after), moment)

        found = await registry.get(before.id)
        assert found.state in {before.state, after.state}
        assert (found.version == before.version) == (found.state is before.state)
        await registry.update(found.transition_to(State.DELETING))


async def test_the_result_of_a_cancelled_change_is_final(registry: Registry) -> None:
    """A clean-up after a cancellation reads the record first."""
    for moment in MOMENTS:
        new = new_record()
        await cancel_at(registry.add(new), moment)

        query = Query(before=Position(new.created_at, new.id + "0"), limit=1)
        found = await registry.search(query)
        await asyncio.gather(*(registry.ping() for _ in range(5)))

        assert await registry.search(query) == found


async def test_cancelled_calls_hold_no_connection(registry: Registry) -> None:
    for moment in MOMENTS:
        record = await registry.add(new_record())
        calls = [registry.search(Query()) for _ in range(20)]
        updates = [registry.update(record.transition_to(State.READY)) for _ in range(20)]

        await asyncio.gather(*(cancel_at(call, moment) for call in [*calls, *updates]))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(registry.get(record.id) for _ in range(20)))
        await asyncio.gather(*(registry.add(new_record()) for _ in range(20)))
    await registry.ping()


async def test_a_cancellation_is_not_lost(registry: Registry) -> None:
    task: asyncio.Task[Database] = asyncio.create_task(registry.add(new_record()))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def cancel_at(call: Coroutine[Any, Any, object], moment: int) -> None:
    task = asyncio.create_task(call)
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
