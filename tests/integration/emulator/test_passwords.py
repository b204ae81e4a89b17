"""Passwords of the emulator's roles: who is told them, and from when they work."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.neon.emulator import RunningEmulator, fresh, turned


async def test_a_password_is_told_by_create_reset_reveal_and_uri_only(
    neon: RunningEmulator,
) -> None:
    name = fresh("role")
    created = await neon.client.done(await neon.client.create_role(name))
    password = created.body["role"]["password"]

    shown = await neon.client.call("GET", neon.client.role(name))
    listed = await neon.client.call("GET", f"{neon.client.branch}/roles")
    revealed = await neon.client.call("GET", f"{neon.client.role(name)}/reveal_password")

    assert password.startswith("npg_")
    assert password not in str(shown.body) + str(listed.body)
    assert revealed.body == {"password": password}
    assert password in await neon.client.uri(name, "neondb")


async def test_a_reset_password_works_when_its_operation_has_finished(
    neon: RunningEmulator,
) -> None:
    name = await a_role(neon)
    async with turned(neon, operation_seconds=0.3):
        old = await neon.client.uri(name, "neondb")
        reset = await neon.client.reset_password(name)
        new = await neon.client.uri(name, "neondb")
        old_works_meanwhile, new_works_meanwhile = await logs_in(old), await logs_in(new)
        await neon.client.done(reset)

    assert reset.body["role"]["password"] in new
    assert (old_works_meanwhile, new_works_meanwhile) == (True, False)
    assert (await logs_in(old), await logs_in(new)) == (False, True)


@pytest.mark.parametrize("change", ["create_role", "reset_password"])
async def test_a_new_role_or_password_ends_everybodys_sessions(
    neon: RunningEmulator, change: str
) -> None:
    name = fresh("role") if change == "create_role" else await a_role(neon)
    async with neon.session() as bystander:
        await neon.client.done(await getattr(neon.client, change)(name))

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await bystander.execute("SELECT 1")


async def test_sessions_stay_where_that_knob_is_off(neon: RunningEmulator) -> None:
    async with turned(neon, drop_connections=False), neon.session() as bystander:
        await neon.client.done(await neon.client.create_role(fresh("role")))

        assert await bystander.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_missing_roles_password_is_not_found(neon: RunningEmulator, method: str) -> None:
    what = {"GET": "reveal_password", "POST": "reset_password"}[method]

    answer = await neon.client.call(method, f"{neon.client.role(fresh('role'))}/{what}")

    assert (answer.status, answer.body["message"]) == (404, "Role not found")


async def test_without_stored_passwords_none_is_revealed(neon: RunningEmulator) -> None:
    name = await a_role(neon)
    async with turned(neon, store_passwords=False):
        answer = await neon.client.call("GET", f"{neon.client.role(name)}/reveal_password")

    assert (answer.status, answer.body["message"]) == (412, "Storing passwords is disabled")


async def test_or_a_uri_comes_without_its_password(neon: RunningEmulator) -> None:
    async with turned(neon, store_passwords=False, uri_without_password=True):
        uri = await neon.client.uri("neondb_owner", "neondb")

    assert urlsplit(uri).password is None


async def a_role(neon: RunningEmulator) -> str:
    name = fresh("role")
    await neon.client.done(await neon.client.create_role(name))
    return name


async def logs_in(uri: str) -> bool:
    try:
        session = await asyncpg.connect(uri)
    except asyncpg.InvalidPasswordError:
        return False
    await session.close()
    return True
