"""Passwords of the emulator's roles: in which responses they are, and when they take effect."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.neon.client import OWNER
from tests.support.neon.emulator import (
    RunningEmulator,
    create_object,
    is_alive,
    new_name,
    override_behaviour,
)


async def test_a_reset_password_works_after_its_operation(
    neon: RunningEmulator,
) -> None:
    name = await create_object(neon, "role")
    async with override_behaviour(neon, operation_seconds=0.3):
        old = await neon.client.uri(name, "neondb")
        reset = await neon.client.reset_password(name)
        new = await neon.client.uri(name, "neondb")
        meanwhile = await can_log_in(old), await can_log_in(new)
        await neon.client.wait_until_done(reset)

    assert reset.body["role"]["password"] in new
    assert meanwhile == (True, False)
    assert (await can_log_in(old), await can_log_in(new)) == (False, True)


@pytest.mark.parametrize("drops", [True, False], ids=["by default", "switched off"])
@pytest.mark.parametrize("change", ["create_role", "reset_password"])
async def test_a_new_role_or_password_ends_all_sessions(
    neon: RunningEmulator, change: str, drops: bool
) -> None:
    name = new_name("role") if change == "create_role" else await create_object(neon, "role")
    async with override_behaviour(neon, drop_connections=drops), neon.session() as bystander:
        await neon.client.wait_until_done(await getattr(neon.client, change)(name))

        assert await is_alive(bystander) is not drops


async def test_a_uri_lacks_a_password_that_is_not_stored(neon: RunningEmulator) -> None:
    async with override_behaviour(neon, store_passwords=False, uri_without_password=True):
        uri = await neon.client.uri(OWNER, "neondb")

    assert urlsplit(uri).password is None


async def can_log_in(uri: str) -> bool:
    try:
        session = await asyncpg.connect(uri)
    except asyncpg.InvalidPasswordError:
        return False
    await session.close()
    return True
