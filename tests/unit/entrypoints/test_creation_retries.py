"""Requests that are repeated while the service asks for that."""

from threading import Event

import pytest

from entrypoints.cli.creation import LONGEST_WAIT, Patience
from entrypoints.cli.errors import ExitStatus, RequestError

BUSY = RequestError("Busy.", ExitStatus.RETRYABLE, retry_after=7)
TAKEN = RequestError("Taken.", ExitStatus.CONFLICT)


class FakeEvent(Event):
    """An event that does not wait, but records for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


class Answers:
    def __init__(self, *answers: object) -> None:
        self.answers = [*answers]

    def __call__(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_request_is_repeated_after_the_time_that_the_service_names() -> None:
    event = FakeEvent()
    assert Patience(event)(Answers(BUSY, BUSY, "done")) == "done"
    assert event.waits == [7, 7]


def test_an_error_that_stays_is_raised_at_once() -> None:
    event = FakeEvent()
    with pytest.raises(RequestError, match=r"Taken\."):
        Patience(event)(Answers(TAKEN, "done"))
    assert event.waits == []


def test_a_run_that_stops_does_not_try_again() -> None:
    event = FakeEvent()
    event.set()
    with pytest.raises(RequestError, match=r"Busy\."):
        Patience(event)(Answers(BUSY, "done"))


def test_a_long_pause_is_not_waited_for() -> None:
    event = FakeEvent()
    tomorrow = RequestError("Full.", ExitStatus.RETRYABLE, retry_after=LONGEST_WAIT + 1)
    with pytest.raises(RequestError, match=r"Full\."):
        Patience(event)(Answers(tomorrow, "done"))
    assert event.waits == []
