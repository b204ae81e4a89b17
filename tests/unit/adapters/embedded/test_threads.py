"""Functions in threads, which cannot be cancelled."""

import asyncio
import threading

import pytest

from adapters.embedded.threads import run_in_thread


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_cancelled_caller_waits_for_the_function_to_return(times: int) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait()
        ended.set()

    caller = asyncio.create_task(run_in_thread(work))
    await asyncio.to_thread(begun.wait)
    for _ in range(times):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_the_function_gets_its_arguments_and_its_value_is_returned() -> None:
    assert await run_in_thread(divmod, 7, 2) == (3, 1)
