"""The sender of webhooks by HTTP."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook
from yarl import URL

from adapters.webhooks.connections import create_connector
from adapters.webhooks.errors import BAD_URL, check_status, translate_errors
from adapters.webhooks.resolver import ThreadResolver
from domain.deliveries import Delivery
from domain.errors import DeliveryFailed
from domain.receivers import ReceiverPolicy
from domain.secrets import Secret
from ports.driven.clock import Clock
from ports.driven.webhook_sender import WebhookSender

TIMEOUT = 15.0
"""Seconds for the whole attempt, from the lookup of the name to the end of the response."""

MAX_RESPONSE = 65_536
"""Bytes of the response that are read, so that the receiver can end it; they are not used."""


@dataclass(frozen=True)
class HttpWebhookSender(WebhookSender):
    """Sends each message by a connection of its own: what one receiver does to a connection stays
    without effect on the next message. Uses neither proxies nor credentials of the environment."""

    policy: ReceiverPolicy
    clock: Clock
    resolver: AbstractResolver = field(default_factory=ThreadResolver)
    timeout: float = TIMEOUT
    tls: ssl.SSLContext | bool = True  # True: the authorities of the system

    async def send(self, delivery: Delivery, secret: Secret) -> None:
        headers, url = self._create_headers(delivery, secret), _parse_url(delivery.url)
        is_encrypted = url.scheme == "https"
        with translate_errors(is_encrypted=is_encrypted):
            async with self._create_session(is_encrypted=is_encrypted) as session:
                request = session.post(
                    url, data=delivery.body, headers=headers, allow_redirects=False
                )
                async with request as response:
                    await _skip_body(response)
        check_status(response.status, response.headers.get("Retry-After"))

    def _create_headers(self, delivery: Delivery, secret: Secret) -> Mapping[str, str]:
        now = self.clock.now()
        signature = Webhook(secret.reveal()).sign(delivery.id, now, delivery.body.decode())
        return {
            "content-type": "application/json",
            "user-agent": "pgvend",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }

    def _create_session(self, *, is_encrypted: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=create_connector(
                self.policy, self.resolver, self.tls, is_encrypted=is_encrypted
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            auto_decompress=False,
        )


def _parse_url(text: str) -> URL:
    """Return the URL as it is, without another encoding: a part of it can be a signature."""
    try:
        url = URL(text, encoded=True)
        has_host = bool(url.host)  # raises ValueError too
    except ValueError as error:
        raise DeliveryFailed(BAD_URL, retryable=False) from error
    if not has_host:
        raise DeliveryFailed(BAD_URL, retryable=False)
    return url


async def _skip_body(response: aiohttp.ClientResponse) -> None:
    """Read the rest of the response up to MAX_RESPONSE. Its status counts, however it ends."""
    size = 0
    with suppress(aiohttp.ClientError, OSError):
        while size < MAX_RESPONSE and (chunk := await response.content.readany()):
            size += len(chunk)
