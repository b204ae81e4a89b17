"""What every decorator owes: each call reaches the adapter with all of its arguments, and the
adapter's answer reaches the caller."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from adapters.decorators.logging import LoggingRegistry
from adapters.decorators.observing import (
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


def list_calls() -> list[tuple[str, str]]:
    return [
        (decorator, name)
        for decorator, (port, _) in DECORATORS.items()
        for name, member in vars(port).items()
        if inspect.iscoroutinefunction(member)
    ]


@pytest.mark.parametrize(("decorator", "name"), list_calls())
async def test_each_call_is_passed_on_with_all_arguments(decorator: str, name: str) -> None:
    port, decorate = DECORATORS[decorator]
    recorder = Recorder(port)
    signature = inspect.signature(getattr(port, name))
    arguments = {each: ARGUMENTS[each] for each in signature.parameters if each != "self"}

    answer = await getattr(decorate(recorder), name)(**arguments)

    assert recorder.calls == [(name, arguments)]
    assert answer is (None if signature.return_annotation is None else ANSWER)


@pytest.mark.parametrize("name", ["observing provider", "retrying provider", "queueing provider"])
@pytest.mark.parametrize("attribute", ["can_copy", "rotation_ends_sessions"])
def test_what_a_provider_can_do_is_passed_on(name: str, attribute: str) -> None:
    port, decorate = DECORATORS[name]
    recorder = Recorder(port)

    assert getattr(decorate(recorder), attribute) is getattr(recorder, attribute)
