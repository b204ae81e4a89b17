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


async def vended(process: Process, database_id: str) -> None:
    await process.memory.vend(login_check=process.login_check)(SALES)


async def vended_with_key(process: Process, database_id: str) -> None:
    await process.memory.vend(login_check=process.login_check)(KEYED)


async def vended_past_a_stranger(process: Process, database_id: str) -> None:
    await process.memory.vend(login_check=process.login_check)(TAKEN)


async def promised_and_made(process: Process, database_id: str) -> None:
    vend = process.memory.vend(login_check=process.login_check)
    promised = await vend.promise(KEYED)
    await vend.finish(promised.id)


async def rotated(process: Process, database_id: str) -> None:
    await process.memory.rotate()(database_id)


async def extended(process: Process, database_id: str) -> None:
    wanted = ChangeRequest(ttl=timedelta(hours=2), labels={"a": "b"})
    await process.memory.change()(database_id, wanted)


async def retired(process: Process, database_id: str) -> None:
    await process.memory.retire().promise(database_id)
    await process.memory.retire().finish(database_id)


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


async def rotated_and_expired(process: Process, database_id: str) -> None:
    with suppress(ProviderBusy):
        await rotated(process, database_id)
    await expired(process, database_id)


async def rotated_expired_and_restored(process: Process, database_id: str) -> None:
    with suppress(ProviderBusy):
        await rotated(process, database_id)
    await restored(process, database_id)


async def confined(process: Process, database_id: str) -> None:
    process.memory.limit = LIMIT
    process.memory.provider.fill(database_id, LIMIT.size + 1)
    await swept(process, database_id)
    process.memory.clock.moment += NOTICE
    await swept(process, database_id)


async def confined_and_released(process: Process, database_id: str) -> None:
    await confined(process, database_id)
    process.memory.provider.fill(database_id, EMPTY)
    await swept(process, database_id)


async def confined_and_rotated(process: Process, database_id: str) -> None:
    await confined(process, database_id)
    await rotated(process, database_id)


ACTS: list[Act] = [
    vended,
    vended_with_key,
    vended_past_a_stranger,
    promised_and_made,
    rotated,
    extended,
    retired,
    swept,
    expired,
    expired_and_dropped,
    restored,
    rotated_and_expired,
    rotated_expired_and_restored,
    confined,
    confined_and_released,
    confined_and_rotated,
]
