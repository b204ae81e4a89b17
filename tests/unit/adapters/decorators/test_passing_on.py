"""What every decorator owes: each call reaches the adapter with all of its arguments, and the
adapter's answer reaches the caller. An observer sees every call."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from adapters.decorators.logging import LoggingRegistry
from adapters.decorators.observing import (
    Observer,
    Observers,
    ObservingLoginCheck,
    ObservingProvider,
    ObservingRegistry,
    ObservingSizeLimiter,
)
from adapters.decorators.publishing import PublishingRegistry
from adapters.decorators.retrying import (
    RetryingLoginCheck,
    RetryingProvider,
    RetryingSizeLimiter,
)
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query, Registry
from ports.driven.size_limiter import SizeLimiter
from tests.support.connections import DEFAULT_CONNECTION
from tests.support.queueing import queued
from tests.support.records import new_record
from tests.support.retrying import RETRYING
from tests.unit.adapters.decorators.conftest import ORDER

ANSWER = new_record()

ARGUMENTS: Mapping[str, Any] = {
    "caller": "team",
    "confirm": object(),
    "connection": DEFAULT_CONNECTION,
    "database": new_record(),
    "database_id": "db_1",
    "end_sessions": True,
    "event": object(),
    "query": Query(),
    "quota": 3,
    "request": ORDER,
    "since": datetime(2026, 1, 1, tzinfo=UTC),
    "tenant": ORDER.tenant,
    "tenant_ids": ["db_1"],
}
"""An argument for each parameter; none is a default."""

NOTHING_OBSERVED = Observers([])

DECORATORS: Mapping[str, tuple[type, Callable[[Any], Any]]] = {
    "observing provider": (DatabaseProvider, lambda it: ObservingProvider(it, NOTHING_OBSERVED)),
    "retrying provider": (DatabaseProvider, lambda it: RetryingProvider(it, RETRYING)),
    "queueing provider": (DatabaseProvider, queued),
    "observing registry": (Registry, lambda it: ObservingRegistry(it, NOTHING_OBSERVED)),
    "logging registry": (Registry, lambda it: LoggingRegistry(it, structlog.get_logger())),
    "publishing registry": (Registry, lambda it: PublishingRegistry(it, lambda _: None)),
    "observing size limiter": (SizeLimiter, lambda it: ObservingSizeLimiter(it, NOTHING_OBSERVED)),
    "retrying size limiter": (SizeLimiter, lambda it: RetryingSizeLimiter(it, RETRYING)),
    "observing login check": (LoginCheck, lambda it: ObservingLoginCheck(it, NOTHING_OBSERVED)),
    "retrying login check": (LoginCheck, lambda it: RetryingLoginCheck(it, RETRYING)),
}


OBSERVED: Mapping[str, tuple[type, Callable[[Any, Observer], Any]]] = {
    "provider": (DatabaseProvider, ObservingProvider),
    "registry": (Registry, ObservingRegistry),
    "size_limiter": (SizeLimiter, ObservingSizeLimiter),
    "login_check": (LoginCheck, ObservingLoginCheck),
}
"""The observed ports by the name that begins their events."""

FIELDS: Mapping[str, Mapping[str, str]] = {
    "connection": {"user": DEFAULT_CONNECTION.user, "host": DEFAULT_CONNECTION.host},
    "database": {"id": ARGUMENTS["database"].id},
    "database_id": {"id": "db_1"},
    "request": {"id": ORDER.tenant.id},
    "tenant": {"id": ORDER.tenant.id},
}
"""What an observer learns about an argument."""


class Recorder:
    """Stands for the adapter of a port: records each call with all arguments, and answers it."""

    can_copy, rotation_ends_sessions = object(), object()

    def __init__(self, port: type) -> None:
        self._port = port
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        signature = inspect.signature(getattr(self._port, name))

        async def call(*args: object, **options: object) -> object:
            bound = signature.bind(self, *args, **options).arguments
            self.calls.append((name, {each: bound[each] for each in bound if each != "self"}))
            return ANSWER

        return call


def list_calls(ports: Mapping[str, tuple[type, Any]]) -> list[tuple[str, str]]:
    return [
        (key, name)
        for key, (port, _) in ports.items()
        for name, member in vars(port).items()
        if inspect.iscoroutinefunction(member)
    ]


def choose_arguments(port: type, name: str) -> Mapping[str, Any]:
    parameters = inspect.signature(getattr(port, name)).parameters
    return {each: ARGUMENTS[each] for each in parameters if each != "self"}


@pytest.mark.parametrize(("decorator", "name"), list_calls(DECORATORS))
async def test_each_call_is_passed_on_with_all_arguments(decorator: str, name: str) -> None:
    port, decorate = DECORATORS[decorator]
    recorder, arguments = Recorder(port), choose_arguments(port, name)

    answer = await getattr(decorate(recorder), name)(**arguments)

    assert recorder.calls == [(name, arguments)]
    returned = inspect.signature(getattr(port, name)).return_annotation
    assert answer is (None if returned is None else ANSWER)


@pytest.mark.parametrize(("decorator", "name"), list_calls(DECORATORS))
def test_each_call_has_the_defaults_of_its_port(decorator: str, name: str) -> None:
    port, decorate = DECORATORS[decorator]
    decorated = getattr(type(decorate(Recorder(port))), name)
    assert inspect.signature(decorated) == inspect.signature(getattr(port, name))


@pytest.mark.parametrize("name", ["observing provider", "retrying provider", "queueing provider"])
@pytest.mark.parametrize("attribute", ["can_copy", "rotation_ends_sessions"])
def test_what_a_provider_can_do_is_passed_on(name: str, attribute: str) -> None:
    port, decorate = DECORATORS[name]
    recorder = Recorder(port)

    assert getattr(decorate(recorder), attribute) is getattr(recorder, attribute)


@pytest.mark.parametrize(("prefix", "name"), list_calls(OBSERVED))
async def test_each_call_is_observed_under_its_name_and_the_id_of_its_object(
    prefix: str, name: str
) -> None:
    port, decorate = OBSERVED[prefix]
    observed, observe = create_observer()
    arguments = choose_arguments(port, name)

    await getattr(decorate(Recorder(port), observe), name)(**arguments)

    fields = {k: v for each in arguments for k, v in FIELDS.get(each, {}).items()}
    assert observed == [(f"{prefix}.{name}", fields)]


async def test_a_claim_is_observed_as_one() -> None:
    observed, observe = create_observer()
    recorder: Any = Recorder(DatabaseProvider)

    await ObservingProvider(recorder, observe).provision(replace(ORDER, claims=True))

    assert observed == [("provider.claim", {"id": ORDER.tenant.id})]


def create_observer() -> tuple[list[tuple[str, Mapping[str, str]]], Observer]:
    """Return an observer, and the list to which it adds the calls."""
    observed: list[tuple[str, Mapping[str, str]]] = []

    @contextmanager
    def observe(event: str, **fields: str) -> Iterator[None]:
        observed.append((event, fields))
        yield

    return observed, observe
