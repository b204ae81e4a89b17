"""One attempt to send a message: the request, and what counts as accepted."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.system.clock import SystemClock
from adapters.webhooks.errors import (
    BAD_TLS,
    BAD_URL,
    GONE,
    NO_RESPONSE,
    TOO_SLOW,
    UNREACHABLE,
)
from adapters.webhooks.sender import MAX_RESPONSE, HttpWebhookSender
from domain.deliveries import Delivery
from domain.errors import DeliveryFailed
from tests.support.certificates import make_certificate
from tests.support.receivers import BODY, Receiver, format_response, running_receiver
from tests.unit.adapters.webhooks.conftest import LOOPBACK, SECRET

SHORT = 0.05
"""Seconds to wait for a receiver that never answers."""


async def fail(sender: HttpWebhookSender, delivery: Delivery) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        await sender.send(delivery, SECRET)
    return caught.value


async def test_the_official_library_verifies_the_message(sender: HttpWebhookSender) -> None:
    async with running_receiver() as receiver:
        await sender.send(receiver.create_delivery("evt_7"), SECRET)

    [message] = receiver.messages
    verifier = Webhook(SECRET.reveal())
    assert verifier.verify(message.body, dict(message.headers))["data"] == {"nickname": "Café"}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(message.body + b" ", dict(message.headers))
    assert message.id == "evt_7"


async def test_the_request_is_a_post_of_the_body_as_it_is(sender: HttpWebhookSender) -> None:
    async with running_receiver() as receiver:
        await sender.send(receiver.create_delivery(), SECRET)

    [message] = receiver.messages
    assert message.line == "POST /hooks?team=a%2Fb HTTP/1.1"
    assert message.body == BODY
    assert message.headers["content-type"] == "application/json"
    assert message.headers["user-agent"] == "pgvend"
    assert not {"authorization", "cookie"} & message.headers.keys()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_each_status_of_success_accepts_the_message(
    sender: HttpWebhookSender, status: int
) -> None:
    async with running_receiver(format_response(status)) as receiver:
        await sender.send(receiver.create_delivery(), SECRET)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 503])
async def test_another_status_is_a_failure_that_can_pass(
    sender: HttpWebhookSender, status: int
) -> None:
    response = format_response(status, body="a stack trace with hunter2")
    async with running_receiver(response) as receiver:
        failure = await fail(sender, receiver.create_delivery())

    assert (failure.retryable, failure.status, failure.retry_after) == (True, status, None)
    assert str(failure) == f"The receiver answered with HTTP status {status}."


async def test_a_receiver_that_is_gone_gets_no_further_attempt(sender: HttpWebhookSender) -> None:
    async with running_receiver(format_response(410)) as receiver:
        failure = await fail(sender, receiver.create_delivery())

    assert (failure.retryable, failure.status, str(failure)) == (False, 410, GONE)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("0", 0), ("-1", None), ("9" * 10, None), ("soon", None)]
)
async def test_a_receiver_can_say_when_to_try_again(
    sender: HttpWebhookSender, value: str, seconds: float | None
) -> None:
    response = format_response(503, f"Retry-After: {value}\r\n")
    async with running_receiver(response) as receiver:
        assert (await fail(sender, receiver.create_delivery())).retry_after == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(sender: HttpWebhookSender, status: int) -> None:
    async with running_receiver() as target:
        response = format_response(status, f"Location: {target.url}\r\n")
        async with running_receiver(response) as receiver:
            failure = await fail(sender, receiver.create_delivery())

    assert target.messages == []
    assert str(failure).endswith(f"HTTP status {status}: set the url to the final address.")


async def test_a_receiver_that_does_not_answer_is_too_slow() -> None:
    sender = HttpWebhookSender(LOOPBACK, SystemClock(), timeout=SHORT)
    async with running_receiver(None) as receiver:
        assert str(await fail(sender, receiver.create_delivery())) == TOO_SLOW
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("response", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 two\r\n\r\n"])
async def test_a_receiver_of_another_protocol_is_a_failure(
    sender: HttpWebhookSender, response: bytes
) -> None:
    async with running_receiver(response) as receiver:
        failure = await fail(sender, receiver.create_delivery())
    assert (str(failure), failure.retryable) == (NO_RESPONSE, True)


async def test_a_closed_port_is_a_failure_that_can_pass(sender: HttpWebhookSender) -> None:
    with socket.socket() as reserved:  # bound, so that nobody else gets the port
        reserved.bind(("127.0.0.1", 0))
        receiver = Receiver(url=f"http://127.0.0.1:{reserved.getsockname()[1]}")
        failure = await fail(sender, receiver.create_delivery())
    assert (str(failure), failure.retryable) == (UNREACHABLE, True)


async def test_a_long_response_is_read_in_part_and_accepted(sender: HttpWebhookSender) -> None:
    size = 1000 * MAX_RESPONSE  # more than the buffers of the sockets hold
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    async with running_receiver(head, long_body=size) as receiver:
        await sender.send(receiver.create_delivery(), SECRET)
        assert len(receiver.messages) == 1
    assert receiver.sent < size


async def test_a_response_whose_body_never_comes_is_accepted() -> None:
    sender = HttpWebhookSender(LOOPBACK, SystemClock(), timeout=SHORT)
    async with running_receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as receiver:
        await sender.send(receiver.create_delivery(), SECRET)


async def test_a_head_that_is_too_long_is_a_failure(sender: HttpWebhookSender) -> None:
    head = f"HTTP/1.1 200 OK\r\nX-Long: {'x' * MAX_RESPONSE}\r\n\r\n".encode()
    async with running_receiver(head) as receiver:
        assert str(await fail(sender, receiver.create_delivery())) == NO_RESPONSE


@pytest.mark.parametrize("url", ["https://host:port/", "https://[::1", "https://"])
async def test_a_url_that_is_not_valid_is_a_final_failure(
    sender: HttpWebhookSender, url: str
) -> None:
    failure = await fail(sender, Receiver(url=url).create_delivery())
    assert (str(failure), failure.retryable) == (BAD_URL, False)


async def test_a_proxy_of_the_environment_is_not_used(
    sender: HttpWebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_receiver() as proxy, running_receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await sender.send(receiver.create_delivery(), SECRET)
    assert (len(proxy.messages), len(receiver.messages)) == (0, 1)


async def test_the_certificate_of_the_receiver_is_verified(
    tmp_path: Path, sender: HttpWebhookSender
) -> None:
    files = await make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.cert, files.key)
    async with running_receiver(tls=tls) as receiver:
        assert str(await fail(sender, receiver.create_delivery())) == BAD_TLS
        assert receiver.messages == []

        trust = ssl.create_default_context(cafile=files.cert)
        trusting = HttpWebhookSender(LOOPBACK, SystemClock(), tls=trust)
        await trusting.send(receiver.create_delivery(), SECRET)
    assert len(receiver.messages) == 1


async def test_an_attempt_can_be_cancelled(sender: HttpWebhookSender) -> None:
    async with running_receiver(None) as receiver:
        attempt = asyncio.create_task(sender.send(receiver.create_delivery(), SECRET))
        while not receiver.messages:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
