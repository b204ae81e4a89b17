"""PostgreSQL is killed at any moment, under a service that lives."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import asyncpg
import pytest

from tests.support.bundles import opened
from tests.support.chaos.grounds import Ground, operated_ground, own_ground, registry_on
from tests.support.chaos.house import house
from tests.support.chaos.storm import Storm, rounds
from tests.support.polling import until
from tests.support.servers import ram_folder
from tests.support.service import end_servers

pytestmark = pytest.mark.timeout(1500)


@dataclass(frozen=True)
class Mortal:
    """A server that is started again whenever it has died."""

    data_dir: Path
    ground: Ground

    async def die(self) -> None:
        """With all its sessions."""
        await asyncio.to_thread(end_servers, self.data_dir)

    async def lives(self) -> bool:
        try:
            return bool(await self.ground.census())
        except (OSError, asyncpg.PostgresError):
            return False


async def test_the_services_own() -> None:
    with ram_folder() as folder:
        ground = own_ground(folder / "data")
        async with house(folder / "data", ground.settings) as service:
            killed = partial(_killed, [Mortal(folder / "data", ground)])
            await Storm(service, ground)(rounds(10), killed)


async def test_the_tenants_or_the_records_or_both_under_two_replicas() -> None:
    """Whose leases end with the records' server, while they go on with what they do."""
    with ram_folder() as folder:
        async with opened(folder / "tenants") as tenants, opened(folder / "records") as records:
            ground = operated_ground(tenants)
            servers = [
                Mortal(folder / "tenants", ground),
                Mortal(folder / "records", operated_ground(records)),
            ]
            async with (
                registry_on(records) as registry,
                house(folder, {**ground.settings, **registry}, replicas=2) as service,
            ):
                await Storm(service, ground)(rounds(10), partial(_killed, servers))


async def _killed(servers: Sequence[Mortal], chance: Random) -> None:
    victims = chance.choice([*([server] for server in servers), servers])
    await asyncio.sleep(chance.uniform(0, 0.6))
    await asyncio.gather(*(victim.die() for victim in victims))
    for victim in victims:
        await until(victim.lives)
