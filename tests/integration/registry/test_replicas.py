"""Two replicas behind one registry: what they see of each other, and what is left of one that was
killed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.registry.opening import Opened, opened_postgres
from domain.database import Database
from domain.errors import NameTaken, RequestKnown, StaleRecord
from ports.driven.registry import Query
from tests.support.polling import until
from tests.support.records import new_record
from tests.support.registries import MARK, own_database, sql
from tests.support.registry_process import registry_process
from tests.support.servers import OperatorsServer

Replicas = tuple[Opened, Opened]


@pytest.fixture(params=["server_15", "server_18"])
def server(request: pytest.FixtureRequest) -> OperatorsServer:
    found: OperatorsServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def url(server: OperatorsServer) -> AsyncIterator[str]:
    async with own_database(server) as url:
        yield url


@pytest.fixture
async def replicas(url: str) -> AsyncIterator[Replicas]:
    async with opened_postgres(url) as one, opened_postgres(url) as other:
        yield one, other


async def test_a_record_of_one_is_the_others_too(replicas: Replicas) -> None:
    one, other = replicas
    kept = await one.registry.add(new_record())

    assert await other.registry.get(kept.id) == kept
    assert await other.registry.search(Query()) == [kept]


async def test_of_racing_updates_one_wins(replicas: Replicas) -> None:
    kept = await replicas[0].registry.add(new_record())
    changes = [replace(kept, labels={"by": str(number)}) for number in range(20)]

    outcomes = await asyncio.gather(
        *(replicas[number % 2].registry.update(change) for number, change in enumerate(changes)),
        return_exceptions=True,
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, StaleRecord) for outcome in outcomes) == 19
    assert await replicas[0].registry.get(kept.id) == winner


async def test_of_racing_adds_of_one_name_one_wins(replicas: Replicas) -> None:
    outcomes = await _racing(replicas, [new_record("Sales") for _ in range(20)])

    assert sum(isinstance(outcome, Database) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 19


async def test_of_racing_adds_of_one_request_one_wins(replicas: Replicas) -> None:
    requests = [replace(new_record("Sales"), request=MARK) for _ in range(20)]

    outcomes = await _racing(replicas, requests)

    assert sum(isinstance(outcome, Database) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RequestKnown) for outcome in outcomes) == 19


async def test_counting_by_racing_updates_loses_nothing(replicas: Replicas) -> None:
    kept = await replicas[0].registry.add(new_record())

    await asyncio.gather(*(_count_up(replicas[turn % 2], kept.id) for turn in range(10)))

    assert (await replicas[0].registry.get(kept.id)).rotation == 10


async def test_a_lease_is_one_replicas(replicas: Replicas) -> None:
    one, other = replicas
    async with one.leases.held("work") as first, other.leases.held("work") as second:
        assert (first, second) == (True, False)


async def test_a_lease_that_was_given_back_is_the_others(replicas: Replicas) -> None:
    one, other = replicas
    async with one.leases.held("work"), other.leases.held("work"):
        pass

    async with other.leases.held("work") as is_mine:
        assert is_mine


async def test_of_many_who_want_a_lease_on_both_one_gets_it(replicas: Replicas) -> None:
    everybody = asyncio.Barrier(20)

    async def wanted(replica: Opened) -> bool:
        async with replica.leases.held("work") as is_mine:
            await everybody.wait()
            return is_mine

    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*(wanted(replicas[turn % 2]) for turn in range(20)))

    assert sum(outcomes) == 1


async def test_a_lease_is_the_others_whenever_its_taking_was_cancelled(replicas: Replicas) -> None:
    one, other = replicas
    for moment in range(40):
        task = asyncio.create_task(_hold(one))
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

        async with other.leases.held("work") as is_mine:
            assert is_mine


async def test_a_lease_dies_with_its_process(url: str, replicas: Replicas) -> None:
    async with registry_process(url, lease="work") as process:
        assert await process.says() == "holds"
        async with replicas[0].leases.held("work") as is_mine:
            assert not is_mine

        await process.kill()

        await until(lambda: _is_free(replicas[0], "work"))


async def test_a_killed_process_leaves_all_that_it_was_told_is_kept(
    url: str, replicas: Replicas
) -> None:
    async with registry_process(url) as process:
        assert await process.says() == "holds"
        told = [await process.says() for _ in range(20)]
        told += await process.kill()

    await until(lambda: _is_alone(url))
    kept = {record.id for record in await replicas[0].registry.search(Query(limit=10_000))}
    assert set(told) <= kept
    assert len(kept) <= len(told) + 1


async def test_a_second_process_works_beside_the_first(url: str, replicas: Replicas) -> None:
    async with registry_process(url, "work") as first, registry_process(url, "work") as second:
        said = {await first.says(), await second.says()}
        kept = {await first.says(), await second.says()}

    assert said == {"holds", "waits"}
    assert kept <= {record.id for record in await replicas[0].registry.search(Query(limit=1000))}


async def _racing(replicas: Replicas, records: list[Database]) -> list[Database | BaseException]:
    adds = (replicas[turn % 2].registry.add(record) for turn, record in enumerate(records))
    return await asyncio.gather(*adds, return_exceptions=True)


async def _count_up(replica: Opened, database_id: str) -> None:
    while True:
        current = await replica.registry.get(database_id)
        try:
            await replica.registry.update(replace(current, rotation=current.rotation + 1))
        except StaleRecord:
            continue
        return


async def _hold(replica: Opened) -> None:
    async with replica.leases.held("work"):
        await asyncio.Event().wait()


async def _is_free(replica: Opened, name: str) -> bool:
    async with replica.leases.held(name) as is_mine:
        return is_mine


async def _is_alone(url: str) -> bool:
    """Whether the killed process's last statement is over on the server: only the replicas' and
    this session are left, and none of them is at work."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state <> 'idle' AND pid <> pg_backend_pid()"
    )
    (row,) = await sql(url, query)
    return bool(row[0] == 0)
