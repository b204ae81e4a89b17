"""What a tenant does to its own database behind pgvend's back, the sweep finds out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.memory.leases import MemoryLeases
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.database import Database
from domain.states import State
from domain.upkeep import SETTLED, Upkeep
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.driving.reconcile import Reconcile
from tests.security.opening import Base, opened_stage
from tests.security.outcome import EMBEDDED, KINDS, NONE, POSTGRES, Kind
from tests.support.clock import FakeClock
from tests.support.databases import held
from tests.support.drift import NOW
from tests.support.orders import deriver
from tests.support.places import tenant
from tests.support.records import TARGET, new_record

ON_SERVERS = [kind for kind in KINDS if kind.mode in {EMBEDDED, POSTGRES, NONE}]
WHERE_RENAMED = [kind for kind in KINDS if kind.mode == NONE]


@dataclass(frozen=True)
class Tenant:
    record: Database
    connection: Connection


@dataclass(frozen=True)
class House:
    """Two tenants, whose records are as old as what a sweep compares, and what it finds."""

    provider: DatabaseProvider
    registry: Registry
    attacker: Tenant
    accomplice: Tenant

    async def swept(self) -> list[tuple[Upkeep, str]]:
        """What was done, about which record."""
        chores = await Reconcile(
            registry=self.registry,
            provider=self.provider,
            leases=MemoryLeases(),
            clock=_now(),
            target=TARGET,
        )()
        for chore in chores:
            if chore.do:
                assert await chore.do()
        return [(chore.action, chore.id) for chore in chores]

    async def attacks(self, statement: str) -> None:
        """About the attacker's database, out of the accomplice's, which lets it in."""
        own, other = self.attacker.connection, self.accomplice.connection
        async with tenant(other) as owner:
            await owner.execute(f'GRANT CONNECT ON DATABASE "{other.database}" TO "{own.user}"')
        async with tenant(own, database=other.database) as inside:
            await inside.execute(statement.format(database=own.database))


@pytest.fixture
def base(request: pytest.FixtureRequest, kind: Kind) -> Base:
    """Resolved outside the loop, where pytest-asyncio can start the session's servers."""
    found: Base = request.getfixturevalue(kind.base)
    return found


@pytest.fixture
async def house(kind: Kind, base: Base) -> AsyncIterator[House]:
    registry = MemoryRegistry()
    async with opened_stage(kind, base) as stage:
        older, younger = [await _made(stage.provider, registry) for _ in range(2)]
        yield House(stage.provider, registry, attacker=younger, accomplice=older)
        for made in (older, younger):
            await stage.provider.retire(made.record.tenant)
            assert await held(stage.provider, made.record.order(deriver)) == []


@pytest.mark.parametrize("kind", ON_SERVERS, ids=str)
async def test_a_database_that_its_tenant_dropped_is_forgotten(house: House) -> None:
    await house.attacks('DROP DATABASE "{database}"')

    assert await house.swept() == [(Upkeep.FORGET, house.attacker.record.id)]
    record = await house.registry.get(house.attacker.record.id)
    assert (record.state, record.is_lost) == (State.RETIRED, True)
    await PostgresLoginCheck().verify(house.accomplice.connection)


@pytest.mark.parametrize("kind", WHERE_RENAMED, ids=str)
async def test_a_database_that_its_tenant_renamed_is_found_under_its_new_name(
    house: House,
) -> None:
    await house.attacks('ALTER DATABASE "{database}" RENAME TO "{database}_2"')

    assert await house.swept() == [(Upkeep.RENAME, house.attacker.record.id)]
    record = await house.registry.get(house.attacker.record.id)
    assert record.names.database == f"{house.attacker.connection.database}_2"
    await PostgresLoginCheck().verify(house.accomplice.connection)


async def _made(provider: DatabaseProvider, registry: Registry) -> Tenant:
    record = new_record(state=State.READY, made=NOW - 2 * SETTLED)
    await registry.add(record)
    return Tenant(record, await provider.provision(record.order(deriver)))


def _now() -> FakeClock:
    clock = FakeClock()
    clock.moment = NOW + timedelta(seconds=1)
    return clock
