"""A failed creation leaves nothing on the provider without a record."""

import pytest

from domain.errors import (
    ExtensionUnavailable,
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderRejected,
    Unavailable,
)
from domain.lifecycle import State, StepState
from ports.use_cases.create_request import CreateRequest
from tests.support.doubles import FailAt, FailingRegistry, RefusingLoginCheck
from tests.support.memory_service import DELETING, PROVISIONING, MemoryService

SALES = CreateRequest(nickname="Sales")

FAILURES = [ProviderBusy, ProviderFull, ProviderRejected, OutcomeUnknown, ExtensionUnavailable]


async def assert_failed(memory: MemoryService, *steps: tuple[str, StepState]) -> None:
    """Check that nothing is left, and that the record has these steps."""
    record = await memory.only_record()
    assert await memory.tenant_ids() == set()
    assert record.state is State.FAILED
    assert [(step.name, step.state) for step in record.steps] == [*steps]


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_failure_of_the_provider_leaves_nothing_and_frees_the_name(
    memory: MemoryService, moment: str, error: type[PgvendError]
) -> None:
    memory.fault_hook = FailAt({moment: [error()]})

    with pytest.raises(error):
        await memory.create()

    await assert_failed(memory, ("provision", StepState.FAILED), ("delete", StepState.DONE))
    assert (await memory.create()).connection.database == "sales"


@pytest.mark.parametrize("moment", PROVISIONING)
@pytest.mark.parametrize("undo", DELETING)
async def test_a_failed_undo_is_recorded(memory: MemoryService, moment: str, undo: str) -> None:
    memory.fault_hook = FailAt({moment: [ProviderRejected()], undo: [OutcomeUnknown()]})

    with pytest.raises(ProviderRejected):
        await memory.create()

    record = await memory.only_record()
    assert record.state is State.DELETING
    assert await memory.tenant_ids() <= {record.id}
    await memory.deletion().finish(record.id)
    assert await memory.tenant_ids() == set()
    assert (await memory.only_record()).state is State.FAILED


async def test_a_crash_of_the_undo_leaves_a_record_in_deletion(memory: MemoryService) -> None:
    async def fault_hook(moment: str) -> None:
        if moment in {"after provision", "before delete"}:
            raise ValueError(moment)

    memory.fault_hook = fault_hook
    with pytest.raises(ValueError, match="after provision"):
        await memory.create()

    record = await memory.only_record()
    assert record.state is State.DELETING
    assert await memory.tenant_ids() == {record.id}


@pytest.mark.parametrize("error", [ProviderRejected, ProviderBusy])
async def test_a_database_that_refuses_its_login_is_undone(
    memory: MemoryService, error: type[PgvendError]
) -> None:
    with pytest.raises(error):
        await memory.create_database(login_check=RefusingLoginCheck(error()))(SALES)

    done, failed = StepState.DONE, StepState.FAILED
    await assert_failed(memory, ("provision", done), ("verify", failed), ("delete", done))


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_refused_login_that_cannot_be_recorded_is_undone(
    memory: MemoryService, after_effect: bool
) -> None:
    registry = FailingRegistry(memory.registry, 3, 4, after_effect=after_effect)
    login_check = RefusingLoginCheck(ProviderRejected())

    with pytest.raises(Unavailable):
        await memory.create_database(registry=registry, login_check=login_check)(SALES)

    assert await memory.tenant_ids() == set()
    assert (await memory.only_record()).state is State.FAILED


async def test_a_failing_delete_between_two_names_is_undone(memory: MemoryService) -> None:
    await memory.occupy("Sales")
    await memory.interrupt("before delete", memory.create())
    assert await memory.tenant_ids() == {"stranger"}


@pytest.mark.parametrize("call", [1, 2, 3])
async def test_a_single_failure_of_the_registry_leaves_nothing(
    memory: MemoryService, call: int
) -> None:
    with pytest.raises(Unavailable):
        await memory.create_database(registry=FailingRegistry(memory.registry, call, call + 1))(
            SALES
        )

    assert await memory.tenant_ids() == set()
    assert all(record.is_gone for record in await memory.records())


async def test_a_lost_last_answer_of_the_registry_keeps_the_database(memory: MemoryService) -> None:
    """The record says `ready`, so the database is ready; its caller finds it in the list."""
    registry = FailingRegistry(memory.registry, 3, 4, after_effect=True)

    with pytest.raises(Unavailable):
        await memory.create_database(registry=registry)(SALES)

    record = await memory.only_record()
    assert record.state is State.READY
    assert await memory.tenant_ids() == {record.id}
