"""Several observers of the same calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from adapters.decorators.observing import (
    Observer,
    Observers,
    ObservingProvider,
    ObservingRegistry,
    ObservingWebhookSender,
)
from adapters.memory.provider import MemoryProvider
from adapters.memory.registry import MemoryRegistry
from adapters.memory.webhook_sender import MemoryWebhookSender
from domain.deliveries import Delivery
from domain.errors import ProviderBusy
from domain.secrets import Secret
from ports.driven.registry import Query, Registry
from tests.support.doubles import ScriptedProvider
from tests.support.records import new_record
from tests.unit.adapters.decorators.conftest import ORDER

BUSY = ProviderBusy("Try again.")


def create_observer(name: str, seen: list[object]) -> Observer:
    @contextmanager
    def observe(event: str, **fields: str) -> Iterator[None]:
        seen.append((name, event, fields))
        try:
            yield
        except ProviderBusy as error:
            seen.append((name, error))
            raise
        seen.append((name, "done"))

    return observe


async def test_every_observer_sees_a_call_and_its_end() -> None:
    seen: list[object] = []
    observers = Observers([create_observer("outer", seen), create_observer("inner", seen)])

    await ObservingProvider(MemoryProvider(), observers).provision(ORDER)

    start = ("provider.provision", {"id": ORDER.tenant.id})
    assert seen == [("outer", *start), ("inner", *start), ("inner", "done"), ("outer", "done")]


@pytest.mark.parametrize("name", sorted(Registry.__abstractmethods__))
async def test_every_call_to_the_registry_is_observed_and_answered(name: str) -> None:
    seen: list[Any] = []
    memory, record = MemoryRegistry(), new_record()
    observing = ObservingRegistry(memory, create_observer("one", seen))
    stored = record if name == "add" else await memory.add(record)
    arguments: dict[str, tuple[Any, ...]] = {
        "add": (record,),
        "update": (stored,),
        "get": (record.id,),
        "search": (Query(),),
        "count_live": (record.caller,),
    }

    answer = await getattr(observing, name)(*arguments.get(name, ()))

    assert [event for _, event, *_ in seen] == [f"registry.{name}", "done"]
    expected = {
        "add": replace(record, version=1),
        "update": replace(record, version=2),
        "get": stored,
        "search": [stored],
        "count_live": 1,
        "count_states": await memory.count_states(),
        "ping": None,
    }
    assert name == "list_changes" or answer == expected[name]


async def test_every_observer_sees_an_error_which_the_caller_gets() -> None:
    seen: list[object] = []
    observers = Observers([create_observer("outer", seen), create_observer("inner", seen)])

    with pytest.raises(ProviderBusy) as raised:
        await ObservingProvider(ScriptedProvider(MemoryProvider(), [BUSY]), observers).ping()

    assert raised.value is BUSY
    assert seen[2:] == [("inner", BUSY), ("outer", BUSY)]


async def test_an_attempt_to_deliver_is_observed_without_its_address() -> None:
    seen: list[object] = []
    delivery = Delivery(id="evt_1", webhook_id="wh_1", url="https://hooks.example/?k=1", body=b"{}")
    sender = ObservingWebhookSender(MemoryWebhookSender(), create_observer("only", seen))

    await sender.send(delivery, Secret("whsec_c2VjcmV0"))

    assert seen[0] == ("only", "webhook_sender.send", {"id": "evt_1", "webhook": "wh_1"})
