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
from domain.lifecycle import State, StepState
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.watch_database import Progress
from tests.support.consistency import settle
from tests.support.doubles import PATIENCE, RefusingLoginCheck
from tests.support.memory_service import HOUR, PROVISIONING, ROTATING, MemoryService
from tests.support.provision_requests import new_provision_request

SALES = CreateRequest(nickname="Sales", ttl=HOUR)

MADE = [("provision", "running"), ("provision", "done"), ("verify", "running"), ("verify", "done")]


async def collect_progress(
    memory: MemoryService, database_id: str, after: int = 0
) -> list[Progress]:
    """Return the progress until nothing is pending."""
    async with asyncio.timeout(PATIENCE):
        return [look async for look in memory.watch()(database_id, after)]


def list_steps(looks: list[Progress]) -> list[tuple[str, str]]:
    return [(step.name, step.state.value) for look in looks for step in look.steps]


async def test_showing_a_connection_changes_nothing(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    assert await memory.replica().show_connection()(sales.database.id) == sales
    assert await memory.only_record() == sales.database
    assert memory.provider.accepts(sales.connection)


async def test_a_rotation_changes_the_connection(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    rotated = await memory.rotate()(sales.database.id)
    assert await memory.show_connection()(sales.database.id) == rotated


@pytest.mark.parametrize("moment", ROTATING)
async def test_a_password_that_is_changing_is_not_shown(memory: MemoryService, moment: str) -> None:
    request = replace(SALES, key="k")
    database = (await memory.create_database()(request)).database
    await memory.interrupt(moment, memory.rotate()(database.id))

    for call in (
        memory.show_connection()(database.id),
        memory.create_database()(request),
        memory.create_database().request(request),
    ):
        with pytest.raises(InFlight):
            await call

    await settle(memory)
    assert memory.provider.accepts((await memory.show_connection()(database.id)).connection)


async def test_an_error_of_the_provider_is_raised(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.interrupt("reveal", memory.show_connection()(sales.database.id))


@pytest.mark.parametrize("way", ["show", "create"])
async def test_a_database_deleted_meanwhile_is_reported_as_deleting(
    memory: MemoryService, way: str
) -> None:
    request = replace(SALES, key="k")
    provisioned = await memory.create_database()(request)

    async def drop_meanwhile(moment: str) -> None:
        if moment == "reveal":
            await memory.deletion().request(provisioned.database.id)
            raise DatabaseNotFound

    memory.fault_hook = drop_meanwhile
    with pytest.raises(IllegalTransition, match="is deleting"):
        await (
            memory.create_database()(request)
            if way == "create"
            else memory.show_connection()(provisioned.database.id)
        )


@pytest.mark.parametrize("after", range(6))
async def test_a_late_watcher_gets_the_remaining_steps(
    memory: MemoryService, sales: ProvisionedDatabase, after: int
) -> None:
    [look] = await collect_progress(memory, sales.database.id, after)
    assert list_steps([look]) == MADE[after:]
    assert look.database == sales.database


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_every_replica_yields_each_step_once(memory: MemoryService, moment: str) -> None:
    requested = await memory.create_database().request(SALES)
    watching = asyncio.create_task(collect_progress(memory.replica(), requested.id))
    hold, making = await memory.hold(moment, memory.create_database().finish(requested.id))
    await asyncio.sleep(0)

    hold.let_go.set()

    assert list_steps(await watching) == MADE
    assert await making


async def test_the_last_progress_shows_the_result(memory: MemoryService) -> None:
    requested = await memory.create_database().request(SALES)
    await memory.interrupt("during provision", memory.create_database().finish(requested.id))

    *_, last = await collect_progress(memory, requested.id)

    assert last.database.state is State.FAILED
    assert [step.error for step in last.steps if step.state is StepState.FAILED] == ["Not now."]


async def test_the_registry_is_read_once_per_interval(memory: MemoryService) -> None:
    requested = await memory.create_database().request(SALES)
    looks = memory.watch()(requested.id)

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


async def test_a_working_login_is_verified_on_request(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    shown = await memory.show_connection()(sales.database.id, verify=True)
    assert shown == replace(sales, verified=True)
    assert await memory.show_connection()(sales.database.id) == replace(sales, verified=None)


async def test_a_password_changed_by_the_owner_is_reported_with_a_hint(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    changed = replace(
        sales.database.to_provision_request(memory.passwords),
        password=new_provision_request().password,
    )
    await memory.provider.rotate(changed)

    with pytest.raises(PasswordChanged, match="rotate"):
        await memory.show_connection()(sales.database.id, verify=True)
    assert await memory.show_connection()(sales.database.id) == sales

    await memory.rotate()(sales.database.id)
    assert (await memory.show_connection()(sales.database.id, verify=True)).verified


@pytest.mark.parametrize("error", [ProviderBusy(), ProviderRejected(), PgvendError()], ids=repr)
async def test_any_other_error_leaves_the_connection_unverified(
    memory: MemoryService, sales: ProvisionedDatabase, error: PgvendError
) -> None:
    show_connection = replace(memory.show_connection(), login_check=RefusingLoginCheck(error))
    assert await show_connection(sales.database.id, verify=True) == replace(sales, verified=False)


async def test_nothing_is_verified_if_the_operator_turned_it_off(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    show_connection = replace(memory.show_connection(), login_check=None)
    assert await show_connection(sales.database.id, verify=True) == replace(sales, verified=False)


@pytest.mark.parametrize(("change", "error"), [("rotate", InFlight), ("delete", IllegalTransition)])
async def test_a_refusal_after_a_rotation_is_not_blamed_on_the_owner(
    memory: MemoryService, sales: ProvisionedDatabase, change: str, error: type[PgvendError]
) -> None:
    act = memory.rotate() if change == "rotate" else memory.delete
    happening = asyncio.ensure_future(act(sales.database.id))
    show_connection = replace(memory.show_connection(), login_check=Interrupted(happening))

    with pytest.raises(error):
        await show_connection(sales.database.id, verify=True)
