"""One event for what happened, and no secret in any."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import nullcontext
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.decorators.observed import (
    Observation,
    ObservedLoginCheck,
    ObservedProvider,
    ObservedRegistry,
)
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.registry import MemoryRegistry
from domain.connection import Connection
from domain.errors import NameTaken, PgvendError, ProviderBusy, ProviderFull, ProviderRejected
from domain.states import State
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.orders import new_order, rotated
from tests.support.records import new_record

ORDER = new_order()

Events = list[MutableMapping[str, Any]]
Call = Callable[[DatabaseProvider], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "provision": lambda provider: provider.provision(ORDER),
    "reveal": lambda provider: provider.reveal(ORDER),
    "rotate": lambda provider: provider.rotate(rotated(ORDER)),
    "suspend": lambda provider: provider.suspend(ORDER.tenant),
    "retire": lambda provider: provider.retire(ORDER.tenant),
    "inventory": lambda provider: provider.inventory(),
    "ping": lambda provider: provider.ping(),
}

every_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def events() -> Iterator[Events]:
    with capture_logs() as captured:
        yield captured


class SlowProvider(MemoryProvider):
    """Takes a quarter of a second of somebody's clock for every call."""

    def __init__(self, clock: FakeClock) -> None:
        async def takes_time(moment: str) -> None:
            if moment.startswith("before") or moment in {"reveal", "inventory", "ping"}:
                clock.passed += 0.25

        super().__init__(trouble=takes_time)


async def observed(*errors: BaseException) -> ObservedProvider:
    clock = FakeClock()
    inner = ScriptedProvider(SlowProvider(clock))
    await inner.provision(ORDER)
    inner.errors.extend(errors)
    return ObservedProvider(inner, Observation(clock, structlog.get_logger()))


@every_call
async def test_a_call_is_one_event_with_its_duration(name: str, events: Events) -> None:
    await CALLS[name](await observed())

    (event,) = events
    assert event["event"] == f"provider.{name}"
    assert event["log_level"] == "debug"
    assert event["ms"] == 250
    assert event.get("id") == (None if name in {"inventory", "ping"} else ORDER.tenant.id)


@every_call
@pytest.mark.parametrize("error", [ProviderBusy, ProviderFull, ProviderRejected, NameTaken])
async def test_a_call_that_fails_is_a_warning_that_says_why(
    name: str, error: type[PgvendError], events: Events
) -> None:
    provider = await observed(error("The reason."))

    with pytest.raises(error, match="The reason"):
        await CALLS[name](provider)

    (event,) = events
    assert (event["event"], event["log_level"]) == (f"provider.{name}", "warning")
    assert (event["error"], event["detail"]) == (error.code, "The reason.")


@every_call
@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_what_we_do_not_know_is_an_error_without_its_words(
    name: str, error: type[BaseException], events: Events
) -> None:
    """The words of a driver may hold a statement, and a statement a secret."""
    provider = await observed(error("password=hunter2"))

    with pytest.raises(error):
        await CALLS[name](provider)

    (event,) = events
    assert (event["event"], event["log_level"]) == (f"provider.{name}", "error")
    assert event["error"] == error.__name__
    assert "hunter2" not in repr(event)


@pytest.mark.parametrize("error", [None, ProviderBusy(), ValueError()])
async def test_no_event_holds_a_password(error: BaseException | None, events: Events) -> None:
    passwords = [ORDER.password.reveal(), rotated(ORDER).password.reveal()]
    for call in CALLS.values():
        provider = await observed(*([error] if error else []))
        try:
            await call(provider)
        except (ProviderBusy, ValueError):
            continue

    assert len(events) == len(CALLS)
    assert not any(password in repr(event) for event in events for password in passwords)


async def test_what_is_observed_is_handed_on() -> None:
    provider = await observed()

    assert (await provider.provision(ORDER)).password == ORDER.password
    assert await provider.reveal(ORDER) == await provider.provision(ORDER)
    assert (await provider.rotate(rotated(ORDER))).password == rotated(ORDER).password
    assert [holding.id for holding in await provider.inventory()] == [ORDER.tenant.id]


async def test_every_state_of_a_database_is_an_event(events: Events) -> None:
    registry = ObservedRegistry(MemoryRegistry(), structlog.get_logger())

    database = await registry.add(new_record("Sales"))
    for state in (State.READY, State.EXPIRED, State.RETIRING, State.RETIRED):
        database = await registry.update(database.moved(state))

    assert [(event["event"], event["log_level"]) for event in events] == [
        ("database.provisioning", "info"),
        ("database.ready", "info"),
        ("database.expired", "info"),
        ("database.retiring", "info"),
        ("database.retired", "info"),
    ]
    assert all(event["id"] == database.id for event in events)
    assert events[0]["nickname"] == "Sales"
    assert events[0]["database"] == "sales"
    assert events[0]["target"] == database.target.name


async def test_a_step_of_the_making_is_no_event_of_the_registry(events: Events) -> None:
    registry = ObservedRegistry(MemoryRegistry(), structlog.get_logger())
    database = await registry.add(new_record())

    await registry.update(database)

    assert [event["event"] for event in events] == ["database.provisioning"]


async def test_what_the_registry_refuses_is_no_event(events: Events) -> None:
    registry = ObservedRegistry(MemoryRegistry(), structlog.get_logger())
    await registry.add(new_record("Sales"))

    with pytest.raises(NameTaken):
        await registry.add(new_record("Sales"))

    assert len(events) == 1


@pytest.mark.parametrize("error", [None, ProviderRejected("The reason.")])
async def test_a_login_check_is_an_event_without_the_password(
    error: PgvendError | None, events: Events
) -> None:
    provider = MemoryProvider()
    connection = await provider.provision(ORDER)
    inner = ScriptedLoginCheck(error) if error else MemoryLoginCheck(provider)
    checking = ObservedLoginCheck(inner, Observation(FakeClock(), structlog.get_logger()))

    with pytest.raises(type(error)) if error else nullcontext():
        await checking.verify(connection)

    (event,) = events
    assert (event["event"], event["user"]) == ("login_check.verify", connection.user)
    assert event["log_level"] == ("warning" if error else "debug")
    assert event.get("detail") == ("The reason." if error else None)
    assert ORDER.password.reveal() not in repr(event)


class ScriptedLoginCheck(LoginCheck):
    """Finds the same wrong with every login."""

    def __init__(self, error: PgvendError) -> None:
        self._error = error

    async def verify(self, connection: Connection) -> None:
        raise self._error
