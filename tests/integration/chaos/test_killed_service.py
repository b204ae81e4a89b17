"""The service is killed at any moment, under load, again and again: nothing is lost or orphaned."""

import asyncio
from functools import partial
from random import Random

import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.chaos.grounds import neon_ground, own_ground, registry_on
from tests.support.chaos.house import House, house
from tests.support.chaos.storm import Storm, rounds
from tests.support.servers import ram_folder

pytestmark = pytest.mark.timeout(1500)

ON_NEON = 1.5
"""Seconds of load: there everything takes longer, so that less of it is going on at any moment."""


async def test_with_records_in_sqlite_over_the_bundled_server() -> None:
    with ram_folder() as folder:
        ground = own_ground(folder / "data")
        async with house(folder / "data", ground.settings) as service:
            await Storm(service, ground)(rounds(50), partial(_killed, service))


async def test_with_records_in_postgresql_over_neon(bundled_18: PostgresProvider) -> None:
    with ram_folder() as folder:
        async with (
            neon_ground() as ground,
            registry_on(bundled_18) as registry,
            house(folder / "data", {**ground.settings, **registry}) as service,
        ):
            await Storm(service, ground)(rounds(50), partial(_killed, service, longest=ON_NEON))


async def test_with_records_in_sqlite_over_neon() -> None:
    with ram_folder() as folder:
        async with neon_ground() as ground, house(folder / "data", ground.settings) as service:
            await Storm(service, ground)(rounds(15), partial(_killed, service, longest=ON_NEON))


async def test_with_records_in_postgresql_over_the_bundled_server(
    bundled_18: PostgresProvider,
) -> None:
    with ram_folder() as folder:
        ground = own_ground(folder / "data")
        async with (
            registry_on(bundled_18) as registry,
            house(folder / "data", {**ground.settings, **registry}) as service,
        ):
            await Storm(service, ground)(rounds(15), partial(_killed, service))


async def _killed(service: House, chance: Random, longest: float = 0.6) -> None:
    """Amid its work, and sometimes amid its next start."""
    await asyncio.sleep(chance.uniform(0, longest))
    await service.kill(0)
    if chance.random() < 0.15:
        await service.stumble(chance.uniform(0.2, 2))
    await service.start()
