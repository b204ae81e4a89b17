"""Two replicas behind one registry: what they see of each other, and what is left of one that was
killed."""

from collections.abc import AsyncIterator

import pytest

from adapters.registry.opening import Opened, opened_postgres
from ports.driven.registry import Query
from tests.support.polling import until
from tests.support.registries import own_database, sql
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
