"""One event for each call, without secrets."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace

import pytest
import structlog

from adapters.decorators.logging import CallLogger, LoggingRegistry
from adapters.decorators.observing import ObservingLoginCheck, ObservingProvider
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.registry import MemoryRegistry
from domain.errors import NameTaken, PgvendError, ProviderBusy, ProviderFull, ProviderRejected
from domain.lifecycle import State
from domain.transitions import start_deletion
from tests.support.clock import FakeClock
from tests.support.doubles import RefusingLoginCheck, ScriptedProvider
from tests.support.provision_requests import with_next_password
from tests.support.records import new_record
from tests.unit.adapters.decorators.conftest import CALLS, ORDER, Events

PASSWORDS = [ORDER.password.reveal(), with_next_password(ORDER).password.reveal(), "hunter2"]

KNOWN = [ProviderBusy, ProviderFull, ProviderRejected, NameTaken]
"""Messages of unknown errors are not logged: a driver's message may contain a statement, and the
statement a secret."""

every_call = pytest.mark.parametrize("name", CALLS)


class SlowProvider(MemoryProvider):
    """Advances the clock by a quarter of a second in every call."""

    def __init__(self, clock: FakeClock) -> None:
        async def takes_time(moment: str) -> None:
            if moment.startswith("before") or moment in {"reveal", "inventory", "ping"}:
                clock.passed += 0.25

        super().__init__(fault_hook=takes_time)


async def create_provider(*errors: BaseException) -> ObservingProvider:
    clock = FakeClock()
    inner = ScriptedProvider(SlowProvider(clock))
    await inner.provision(ORDER)
    inner.errors.extend(errors)
    return ObservingProvider(inner, CallLogger(clock, structlog.get_logger()))


def assert_no_password(events: Events) -> None:
    assert not [password for password in PASSWORDS if password in repr(events)]


@every_call
async def test_a_call_is_one_event_with_its_duration(name: str, events: Events) -> None:
    await CALLS[name](await create_provider(), ORDER)
    (event,) = events
    assert (event["event"], event["log_level"]) == (f"provider.{name}", "debug")
    assert event["ms"] == 250
    assert event.get("id") == (None if name in {"inventory", "ping"} else ORDER.tenant.id)
    assert_no_password(events)


@every_call
@pytest.mark.parametrize("error", [*KNOWN, ValueError, asyncio.CancelledError])
async def test_a_failed_call_is_a_warning_or_an_error_without_its_message(
    name: str, error: type[BaseException], events: Events
) -> None:
    words = "The reason." if error in KNOWN else "password=hunter2"
    provider = await create_provider(error(words))

    with pytest.raises(error, match=words):
        await CALLS[name](provider, ORDER)

    (event,) = events
    assert (event["event"], event["ms"]) == (f"provider.{name}", 0)
    if issubclass(error, PgvendError):
        assert (event["log_level"], event["detail"]) == ("warning", "The reason.")
        assert event["error"] == error.code
    else:
        assert (event["log_level"], event["error"]) == ("error", error.__name__)
    assert_no_password(events)


async def test_every_new_state_of_a_database_is_one_event(events: Events) -> None:
    registry = LoggingRegistry(MemoryRegistry(), structlog.get_logger())

    database = await registry.add(new_record("Sales"))
    database = await registry.update(database)
    with pytest.raises(NameTaken):
        await registry.add(new_record("Sales"))
    for state in (State.READY, State.EXPIRED, State.DELETING, State.DELETED):
        database = await registry.update(database.transition_to(state))

    states = ("provisioning", "ready", "expired", "deleting", "deleted")
    assert [event["event"] for event in events] == [f"database.{state}" for state in states]
    assert {event["log_level"] for event in events} == {"info"}
    assert {event["id"] for event in events} == {database.id}
    assert (events[0]["nickname"], events[0]["database"]) == ("Sales", "sales")
    assert events[0]["target"] == database.target.name


async def test_spares_for_which_no_caller_asked_are_details(events: Events) -> None:
    registry = LoggingRegistry(MemoryRegistry(), structlog.get_logger())
    spare = replace(new_record(state=State.SPARE), shape="0123456789abcdef")

    spare = await registry.update(await registry.add(spare))
    await registry.update(start_deletion(spare, spare.created_at))

    assert [event["event"] for event in events] == [
        *("database.spare", "database.spare", "database.deleting")
    ]
    assert {event["log_level"] for event in events} == {"debug"}


@pytest.mark.parametrize("error", [None, ProviderRejected("The reason.")])
async def test_a_login_check_is_one_event(error: PgvendError | None, events: Events) -> None:
    provider = MemoryProvider()
    connection = await provider.provision(ORDER)
    inner = RefusingLoginCheck(error) if error else MemoryLoginCheck(provider)
    checking = ObservingLoginCheck(inner, CallLogger(FakeClock(), structlog.get_logger()))

    with pytest.raises(type(error)) if error else nullcontext():
        await checking.verify(connection)

    (event,) = events
    assert (event["event"], event["user"]) == ("login_check.verify", connection.user)
    assert event["log_level"] == ("warning" if error else "debug")
    assert event.get("detail") == ("The reason." if error else None)
    assert_no_password(events)
