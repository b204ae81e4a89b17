"""What a record keeps of work that failed."""

import asyncio

import pytest

from domain.errors import PgvendError, ProviderBusy
from domain.steps import AT_ONCE, Work
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.vending import Memory


async def vended(memory: Memory) -> Vended:
    return await memory.vend()(VendRequest(nickname="Sales"))


@pytest.mark.parametrize(
    "error", [ValueError("hunter2"), OSError("hunter2"), asyncio.CancelledError("hunter2")]
)
async def test_of_an_error_that_is_not_ours_nothing_is_kept_but_that_there_was_one(
    error: BaseException,
) -> None:
    made = await vended(memory := Memory())
    memory.trouble = _Fails(error)

    with pytest.raises(type(error)):
        await memory.rotate()(made.database.id)

    record = await memory.only_record()
    assert record.is_failed(Work.ROTATE)
    assert record.steps[-1].error
    assert "hunter2" not in repr(record)


async def test_an_error_of_work_that_a_deletion_has_overtaken_does_not_delay_the_deletion() -> None:
    made = await vended(memory := Memory())

    async def deleted_meanwhile(moment: str) -> None:
        if moment == "before rotate":
            await memory.retire().promise(made.database.id)
            raise ProviderBusy

    memory.trouble = deleted_meanwhile

    with pytest.raises(PgvendError):
        await memory.rotate()(made.database.id)

    record = await memory.only_record()
    assert record.wake_at == AT_ONCE
    assert not record.is_failed(Work.ROTATE)


class _Fails:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def __call__(self, moment: str) -> None:
        if moment == "before rotate":
            raise self._error
