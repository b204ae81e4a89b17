"""Addresses are checked when the connection opens, whatever name they came from."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from threading import Event
from typing import Any

import pytest
from yarl import URL

from adapters.system.clock import SystemClock
from adapters.webhooks.errors import NO_ADDRESS, NO_HTTPS
from adapters.webhooks.resolver import AddressInfo, ThreadResolver
from adapters.webhooks.sender import HttpWebhookSender
from domain.errors import DeliveryFailed
from domain.receivers import ReceiverPolicy
from tests.support.receivers import Receiver, running_receiver
from tests.unit.adapters.webhooks.conftest import SECRET

LOCAL_ONLY = ReceiverPolicy((ip_network("127.0.0.1/32"),))


@dataclass
class FakeNames:
    """A name server that gives these addresses, one list for each lookup."""

    answers: Sequence[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    def getaddrinfo(self, host: str, port: int, **options: Any) -> Sequence[AddressInfo]:
        self.asked.append(host)
        addresses = self.answers[len(self.asked) - 1]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_to_info(address, port) for address in addresses]

    def create_sender(self, policy: ReceiverPolicy = LOCAL_ONLY) -> HttpWebhookSender:
        return HttpWebhookSender(policy, SystemClock(), ThreadResolver(self.getaddrinfo))


def _to_info(address: str, port: int) -> AddressInfo:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)


def name(receiver: Receiver, host: str, scheme: str = "http") -> Receiver:
    """Return the receiver under another host."""
    url = URL(receiver.url, encoded=True)
    return Receiver(url=f"{scheme}://{host}:{url.port}/hooks")


async def fail(sender: HttpWebhookSender, receiver: Receiver) -> str:
    with pytest.raises(DeliveryFailed) as caught:
        await sender.send(receiver.create_delivery(), SECRET)
    assert caught.value.retryable
    return str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize(("scheme", "reason"), [("http", NO_HTTPS), ("https", NO_ADDRESS)])
async def test_this_machine_is_refused(host: str, scheme: str, reason: str) -> None:
    sender = HttpWebhookSender(ReceiverPolicy(), SystemClock())
    async with running_receiver(host="127.0.0.1") as receiver:
        assert await fail(sender, name(receiver, host, scheme)) == reason
    assert receiver.messages == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1."])
async def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    sender = HttpWebhookSender(ReceiverPolicy(), SystemClock())
    async with running_receiver() as receiver:
        with pytest.raises(DeliveryFailed):
            await sender.send(name(receiver, host, "https").create_delivery(), SECRET)
    assert receiver.messages == []


async def test_a_name_of_a_private_address_looks_like_one_that_does_not_exist() -> None:
    names = FakeNames([["10.0.0.7"], [], ["10.0.0.7", "fd00::1"]])
    sender, receiver = names.create_sender(), Receiver(url="https://db.internal:1/")
    failures = [await fail(sender, receiver) for _ in names.answers]
    assert failures == [NO_ADDRESS] * 3


async def test_the_checked_address_is_the_connected_one() -> None:
    """The name stands for an allowed address first and for a forbidden one afterwards (DNS
    rebinding)."""
    names = FakeNames([["127.0.0.1"], ["127.0.0.2"]])
    sender = names.create_sender()
    async with running_receiver(host="127.0.0.1") as allowed:
        rebound = name(allowed, "rebinding.example")
        await sender.send(rebound.create_delivery(), SECRET)
        assert len(allowed.messages) == len(names.asked) == 1
        assert await fail(sender, rebound) == NO_HTTPS
    assert len(allowed.messages) == 1
    assert allowed.messages[0].headers["host"].startswith("rebinding.example:")


async def test_of_several_addresses_only_permitted_ones_are_connected() -> None:
    names = FakeNames([["127.0.0.2", "::1", "127.0.0.1"]])
    async with running_receiver(host="127.0.0.1") as receiver:
        await names.create_sender().send(name(receiver, "many.example").create_delivery(), SECRET)
    assert len(receiver.messages) == 1


async def test_a_name_that_is_too_long_is_a_failure() -> None:
    sender = HttpWebhookSender(ReceiverPolicy(), SystemClock())
    assert await fail(sender, Receiver(url=f"https://{'a' * 64}.example/")) == NO_ADDRESS


async def test_lookups_that_never_end_do_not_exceed_their_threads() -> None:
    begun, released, errors = [Event(), Event()], Event(), list[Any]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context))

    def getaddrinfo(host: str, port: int, **options: Any) -> Sequence[AddressInfo]:
        begun[int(host)].set()
        released.wait()
        return [_to_info("127.0.0.1", port)]

    resolver = ThreadResolver(getaddrinfo, threads=1)
    first = asyncio.create_task(resolver.resolve("0"))
    await asyncio.to_thread(begun[0].wait)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    second = asyncio.create_task(resolver.resolve("1"))
    await asyncio.sleep(0)
    assert not begun[1].is_set(), "the thread of a cancelled caller still counts"
    released.set()
    assert [each["host"] for each in await second] == ["127.0.0.1"]
    loop.set_exception_handler(None)
    assert errors == []
