"""Clean-up that a cancellation does not cut short."""

import asyncio

import pytest

from ports.cancellation import finished


class Step:
    """A step that waits until it is let go, and says whether it came to its end."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended = False
        self._error = error

    async def __call__(self) -> None:
        self.begun.set()
        await self.let_go.wait()
        self.ended = True
        if self._error:
            raise self._error


async def test_a_step_that_nobody_disturbs_ends() -> None:
    step = Step()
    step.let_go.set()

    await finished(step())

    assert step.ended


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_step_ends_however_often_it_is_cancelled(times: int) -> None:
    step = Step()
    waiting = asyncio.create_task(finished(step()))
    await step.begun.wait()

    for _ in range(times):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    step.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert step.ended


async def test_the_cancellation_is_passed_on_with_its_message() -> None:
    step = Step()
    waiting = asyncio.create_task(finished(step()))
    await step.begun.wait()

    waiting.cancel("the caller has gone")
    step.let_go.set()

    with pytest.raises(asyncio.CancelledError, match="the caller has gone"):
        await waiting


async def test_the_error_of_the_step_is_raised() -> None:
    step = Step(ValueError("of the step"))
    step.let_go.set()

    with pytest.raises(ValueError, match="of the step"):
        await finished(step())


async def test_a_cancellation_counts_more_than_the_error_of_the_step() -> None:
    error = ValueError("of the step")
    step = Step(error)
    waiting = asyncio.create_task(finished(step()))
    await step.begun.wait()

    waiting.cancel()
    await asyncio.sleep(0)
    step.let_go.set()

    with pytest.raises(asyncio.CancelledError) as cancelled:
        await waiting
    assert cancelled.value.__cause__ is error


async def test_a_step_that_cancels_itself_ends_the_waiting() -> None:
    async def gives_up() -> None:
        raise asyncio.CancelledError

    waiting = asyncio.create_task(finished(gives_up()))

    with pytest.raises(asyncio.CancelledError):
        await waiting
