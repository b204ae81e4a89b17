"""Two replicas are killed at any moment, and clients go on at the other one."""

import asyncio
from functools import partial
from random import Random

import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.chaos.grounds import operated_ground, registry_on
from tests.support.chaos.house import House, house
from tests.support.chaos.storm import Storm, rounds
from tests.support.servers import bundled, ram_folder

pytestmark = pytest.mark.timeout(1500)


async def test_with_records_in_postgresql_over_an_operators_server(
    bundled_18: PostgresProvider,
) -> None:
    with ram_folder() as folder:
        async with bundled() as tenants, registry_on(bundled_18) as registry:
            ground = operated_ground(tenants)
            async with house(folder, {**ground.settings, **registry}, replicas=2) as service:
                await Storm(service, ground)(rounds(15), partial(_killed, service))


async def _killed(service: House, chance: Random) -> None:
    """One of them, or both."""
    victims = chance.choice([(0,), (1,), (0, 1)])
    await asyncio.sleep(chance.uniform(0, 0.6))
    await service.kill(*victims)
    await service.start(*victims)
