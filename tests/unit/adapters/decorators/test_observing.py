"""Several observers of the same calls."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.decorators.observing import (
    Observer,
    Observers,
    ObservingProvider,
    ObservingWebhookSender,
)
from adapters.memory.provider import MemoryProvider
from adapters.memory.webhook_sender import MemoryWebhookSender
from domain.deliveries import Delivery
from domain.errors import ProviderBusy
from domain.secrets import Secret
from tests.support.doubles import ScriptedProvider
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
