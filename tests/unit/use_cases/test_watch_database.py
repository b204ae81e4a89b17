"""Showing the connection of a database, and watching its steps."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from domain.connection import Connection
from domain.errors import (
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    PasswordChanged,
    PgvendError,
    ProviderBusy,
    ProviderRejected,
)
from domain.lifecycle import StepState
from domain.states import State
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.use_cases.create_database import VendRequest
from ports.use_cases.provisioned_database import Vended
from ports.use_cases.watch_database import Look
from tests.support.consistency import settle
from tests.support.doubles import PATIENCE, RefusingLoginCheck
from tests.support.memory_service import HOUR, PROVISIONING, ROTATING, Memory
from tests.support.provision_requests import new_order

SALES = VendRequest(nickname="Sales", ttl=HOUR)

MADE = [("provision", "running"), ("provision", "done"), ("verify", "running"), ("verify", "done")]


async def watched(memory: Memory, database_id: str, after: int = 0) -> list[Look]:
    """Return the progress until nothing is pending."""
    async with asyncio.timeout(PATIENCE):
        return [look async for look in memory.watch()(database_id, after)]


def told(looks: list[Look]) -> list[tuple[str, str]]:
    return [(step.name, step.state.value) for look in looks for step in look.steps]


async def test_showing_a_connection_changes_nothing(memory: Memory, sales: Vended) -> None:
    assert await memory.replica().connect()(sales.database.id) == sales
    assert await memory.only_record() == sales.database
    assert memory.provider.accepts(sales.connection)


async def test_a_rotation_changes_the_connection(memory: Memory, sales: Vended) -> None:
    rotated = await memory.rotate()(sales.database.id)
    assert await memory.connect()(sales.database.id) == rotated


@pytest.mark.parametrize("moment", ROTATING)
async def test_a_password_that_is_changing_is_not_shown(memory: Memory, moment: str) -> None:
    request = replace(SALES, key="k")
    made = (await memory.vend()(request)).database
    await memory.interrupt(moment, memory.rotate()(made.id))

    for told in (memory.connect()(made.id), memory.vend()(request), memory.vend().request(request)):
        with pytest.raises(InFlight):
            await told

    await settle(memory)
    assert memory.provider.accepts((await memory.connect()(made.id)).connection)


async def test_an_error_of_the_provider_is_raised(memory: Memory, sales: Vended) -> None:
    await memory.interrupt("reveal", memory.connect()(sales.database.id))


@pytest.mark.parametrize("way", ["show", "create"])
async def test_a_database_deleted_meanwhile_is_reported_as_deleting(
    memory: Memory, way: str
) -> None:
    request = replace(SALES, key="k")
    made = await memory.vend()(request)

    async def dropped(moment: str) -> None:
        if moment == "reveal":
            await memory.deletion().request(made.database.id)
            raise DatabaseNotFound

    memory.trouble = dropped
    with pytest.raises(IllegalTransition, match="is deleting"):
        await (memory.vend()(request) if way == "create" else memory.connect()(made.database.id))


@pytest.mark.parametrize("after", range(6))
async def test_a_late_watcher_gets_the_remaining_steps(
    memory: Memory, sales: Vended, after: int
) -> None:
    [look] = await watched(memory, sales.database.id, after)
    assert told([look]) == MADE[after:]
    assert look.database == sales.database


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_every_replica_yields_each_step_once(memory: Memory, moment: str) -> None:
    promised = await memory.vend().request(SALES)
    watching = asyncio.create_task(watched(memory.replica(), promised.id))
    hold, making = await memory.hold(moment, memory.vend().finish(promised.id))
    await asyncio.sleep(0)

    hold.let_go.set()

    assert told(await watching) == MADE
    assert await making


async def test_the_last_progress_shows_the_result(memory: Memory) -> None:
    promised = await memory.vend().request(SALES)
    await memory.interrupt("amid provision", memory.vend().finish(promised.id))

    *_, last = await watched(memory, promised.id)

    assert last.database.state is State.FAILED
    assert [step.error for step in last.steps if step.state is StepState.FAILED] == ["Not now."]


async def test_the_registry_is_read_once_per_interval(memory: Memory) -> None:
    promised = await memory.vend().request(SALES)
    looks = memory.watch()(promised.id)

    for _ in range(3):
        await anext(looks)

    assert len(memory.clock.slept) == 2
    assert all(memory.clock.slept)


@dataclass
class Interrupted(LoginCheck):
    """Refuses the password after another operation on the database."""

    happening: asyncio.Future[object]

    async def verify(self, connection: Connection) -> None:
        await self.happening
        raise PasswordRefused


async def test_a_working_login_is_verified_on_request(memory: Memory, sales: Vended) -> None:
    shown = await memory.connect()(sales.database.id, verify=True)
    assert shown == replace(sales, verified=True)
    assert await memory.connect()(sales.database.id) == replace(sales, verified=None)


async def test_a_password_changed_by_the_owner_is_reported_with_a_hint(
    memory: Memory, sales: Vended
) -> None:
    changed = replace(sales.database.order(memory.passwords), password=new_order().password)
    await memory.provider.rotate(changed)

    with pytest.raises(PasswordChanged, match="rotate"):
        await memory.connect()(sales.database.id, verify=True)
    assert await memory.connect()(sales.database.id) == sales

    await memory.rotate()(sales.database.id)
    assert (await memory.connect()(sales.database.id, verify=True)).verified


@pytest.mark.parametrize("error", [ProviderBusy(), ProviderRejected(), PgvendError()], ids=repr)
async def test_any_other_error_leaves_the_connection_unverified(
    memory: Memory, sales: Vended, error: PgvendError
) -> None:
    connect = replace(memory.connect(), login_check=RefusingLoginCheck(error))
    assert await connect(sales.database.id, verify=True) == replace(sales, verified=False)


async def test_nothing_is_verified_if_the_operator_turned_it_off(
    memory: Memory, sales: Vended
) -> None:
    connect = replace(memory.connect(), login_check=None)
    assert await connect(sales.database.id, verify=True) == replace(sales, verified=False)


@pytest.mark.parametrize(("change", "error"), [("rotate", InFlight), ("delete", IllegalTransition)])
async def test_a_refusal_after_a_rotation_is_not_blamed_on_the_owner(
    memory: Memory, sales: Vended, change: str, error: type[PgvendError]
) -> None:
    act = memory.rotate() if change == "rotate" else memory.delete
    happening = asyncio.ensure_future(act(sales.database.id))
    connect = replace(memory.connect(), login_check=Interrupted(happening))

    with pytest.raises(error):
        await connect(sales.database.id, verify=True)
