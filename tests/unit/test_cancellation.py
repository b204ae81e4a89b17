"""Clean-up that a cancellation does not interrupt."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ports.driven.cancellation import run_in_thread, run_to_completion, wait_for_job
from tests.support.tasks import recorded_tasks


class Step:
    """A step that waits until it is released, and records whether it ended."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended = False
        self._error = error

    async def __call__(self) -> None:
        self.started.set()
        await self.released.wait()
        self.ended = True
        if self._error:
            raise self._error


async def test_a_step_without_a_cancellation_ends() -> None:
    step = Step()
    step.released.set()

    await run_to_completion(step())

    assert step.ended


@pytest.mark.parametrize("error", [ValueError("of it"), asyncio.CancelledError("of it")])
async def test_the_error_of_the_step_is_raised_also_when_it_cancels_itself(
    error: BaseException,
) -> None:
    step = Step(error)
    step.released.set()

    with pytest.raises(type(error), match="of it"):
        await run_to_completion(step())


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("error", [None, ValueError("of the step")])
async def test_a_step_ends_however_often_it_is_cancelled_and_that_is_passed_on(
    times: int, error: Exception | None
) -> None:
    """The cancellation has precedence over the step's error, and has the last message."""
    step = Step(error)
    waiting = asyncio.create_task(run_to_completion(step()))
    await step.started.wait()

    for number in range(times):
        waiting.cancel(f"number {number + 1}")
        await asyncio.sleep(0)
    assert not waiting.done()
    step.released.set()

    with pytest.raises(asyncio.CancelledError, match=f"number {times}") as cancelled:
        await waiting
    assert cancelled.value.__cause__ is error
    assert step.ended


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_cancelled_caller_waits_for_the_function_to_return(times: int) -> None:
    started, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        may_end.wait()
        ended.set()

    caller = asyncio.create_task(run_in_thread(work))
    await asyncio.to_thread(started.wait)
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


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


async def test_the_value_and_the_error_of_a_job_are_passed_on_without_a_task(
    threads: ThreadPoolExecutor,
) -> None:
    with recorded_tasks() as begun:
        assert await wait_for_job(threads.submit(divmod, 7, 2)) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await wait_for_job(threads.submit(divmod, 7, 0))

    assert begun == []


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("error", [None, ValueError("of the job")])
async def test_a_job_ends_however_often_its_caller_is_cancelled_and_that_is_passed_on(
    threads: ThreadPoolExecutor, times: int, error: Exception | None
) -> None:
    started, may_end = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        may_end.wait()
        if error:
            raise error

    job = threads.submit(work)
    caller = asyncio.create_task(wait_for_job(job))
    await asyncio.to_thread(started.wait)
    for number in range(times):
        await asyncio.sleep(0)
        caller.cancel(f"number {number + 1}")
    await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError, match=f"number {times}") as cancelled:
        await caller
    assert cancelled.value.__cause__ is error
    assert job.done()


async def test_a_job_that_waits_for_a_thread_is_not_begun_after_a_cancellation() -> None:
    job: Future[None] = Future()
    caller = asyncio.create_task(wait_for_job(job))
    await asyncio.sleep(0)

    caller.cancel()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert job.cancelled()
