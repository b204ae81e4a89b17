"""Actions on a service, each as one call."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from adapters.memory.provider import EMPTY
from domain.errors import ProviderBusy
from domain.sizes import NOTICE, SMALLEST, SizeLimit
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_database import VendRequest
from tests.support.memory_faults import Process
from tests.support.memory_service import GRACE

LIMIT = SizeLimit(SMALLEST)
SALES = VendRequest(nickname="Sales", ttl=timedelta(hours=1))
KEYED = replace(SALES, key="once")
TAKEN = replace(SALES, nickname="Taken")

Act = Callable[[Process, str], Awaitable[object]]
"""Performs an action with a process, on the database of that id if it concerns one."""


def vended(request: VendRequest) -> Act:
    async def act(process: Process, database_id: str) -> None:
        await process.memory.vend(login_check=process.login_check)(request)

    return act


async def promised_and_made(process: Process, database_id: str) -> None:
    vend = process.memory.vend(login_check=process.login_check)
    promised = await vend.request(KEYED)
    await vend.finish(promised.id)


async def rotated(process: Process, database_id: str) -> None:
    await process.memory.rotate()(database_id)


async def rotated_after_a_leak(process: Process, database_id: str) -> None:
    await process.memory.rotate()(database_id, end_sessions=True)


async def given_an_extension(process: Process, database_id: str) -> None:
    await process.memory.add_extension()(database_id, "hstore")


async def extended(process: Process, database_id: str) -> None:
    wanted = ChangeRequest(ttl=timedelta(hours=2), labels={"a": "b"})
    await process.memory.change()(database_id, wanted)


async def deleted(process: Process, database_id: str) -> None:
    await process.memory.delete(database_id)


async def swept(process: Process, database_id: str) -> None:
    await process.memory.sweep(GRACE, login_check=process.login_check)()


async def expired(process: Process, database_id: str) -> None:
    process.memory.clock.moment += timedelta(hours=1)
    await swept(process, database_id)


async def expired_and_dropped(process: Process, database_id: str) -> None:
    process.memory.clock.moment += timedelta(days=2)
    await swept(process, database_id)


async def restored(process: Process, database_id: str) -> None:
    await expired(process, database_id)
    await process.memory.restore()(database_id, timedelta(hours=1))


def in_turn(*acts: Act) -> Act:
    """Perform the actions in turn, even if the provider is busy during one of them."""

    async def act(process: Process, database_id: str) -> None:
        for former in acts[:-1]:
            with suppress(ProviderBusy):
                await former(process, database_id)
        await acts[-1](process, database_id)

    return act


async def grown(process: Process, database_id: str) -> None:
    process.memory.limit = LIMIT
    process.memory.provider.fill(database_id, LIMIT.size + 1)
    await swept(process, database_id)
    process.memory.clock.moment += NOTICE


async def emptied(process: Process, database_id: str) -> None:
    process.memory.provider.fill(database_id, EMPTY)


ACTS: dict[str, Act] = {
    "create": vended(SALES),
    "create with a key": vended(KEYED),
    "create with a name in use": vended(TAKEN),
    "request and finish": promised_and_made,
    "rotate": rotated,
    "rotate and end sessions": rotated_after_a_leak,
    "add an extension": given_an_extension,
    "change": extended,
    "delete": deleted,
    "reconcile": swept,
    "expire": expired,
    "expire and delete": expired_and_dropped,
    "restore": restored,
    "add an extension, rotate": in_turn(given_an_extension, rotated),
    "rotate, expire": in_turn(rotated, expired),
    "rotate, restore": in_turn(rotated, restored),
    "set read-only": in_turn(grown, swept),
    "set read-only, clear": in_turn(grown, swept, emptied, swept),
    "set read-only, rotate": in_turn(grown, swept, rotated),
}
