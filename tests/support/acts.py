"""All that can be done to a service, each as one call from beginning to end."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from adapters.memory.provider import EMPTY
from domain.errors import ProviderBusy
from domain.sizes import NOTICE, SMALLEST, SizeLimit
from ports.driving.change import ChangeRequest
from ports.driving.vend import VendRequest
from tests.support.fate import Process
from tests.support.vending import GRACE

LIMIT = SizeLimit(SMALLEST)
SALES = VendRequest(nickname="Sales", ttl=timedelta(hours=1))
KEYED = replace(SALES, key="once")
TAKEN = replace(SALES, nickname="Taken")

Act = Callable[[Process, str], Awaitable[object]]
"""Done by a process, to the database of that id where it is done to one."""


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
    """One after the other, even where the provider is busy at a former one."""

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
    "vended": vended(SALES),
    "vended with a key": vended(KEYED),
    "vended past a stranger": vended(TAKEN),
    "promised and made": promised_and_made,
    "rotated": rotated,
    "rotated after a leak": rotated_after_a_leak,
    "given an extension": given_an_extension,
    "extended": extended,
    "deleted": deleted,
    "swept": swept,
    "expired": expired,
    "expired and dropped": expired_and_dropped,
    "restored": restored,
    "given an extension, rotated": in_turn(given_an_extension, rotated),
    "rotated, expired": in_turn(rotated, expired),
    "rotated, restored": in_turn(rotated, restored),
    "confined": in_turn(grown, swept),
    "confined, released": in_turn(grown, swept, emptied, swept),
    "confined, rotated": in_turn(grown, swept, rotated),
}
