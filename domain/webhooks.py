"""Webhooks: subscriptions to the events of databases, and their secrets."""

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from domain.callers import Caller
from domain.database import Database
from domain.errors import InvalidRequest, WebhookNotFound
from domain.event_types import EventType
from domain.passwords import PasswordDeriver
from domain.secrets import MissingSecret, Secret

PREFIX = "wh_"
"""The beginning of a webhook's id."""

SECRET_PREFIX = "whsec_"  # noqa: S105 # of Standard Webhooks

MAX_URL = 2048

MAX_WEBHOOKS = 10
"""The webhooks of one caller."""

MAX_WAITING = 500
"""The deliveries of one webhook that wait for its receiver. Further ones are given up at once."""

MAX_GIVEN_UP = 100
"""The deliveries of one webhook that were given up and are kept, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """An event of a database, with its record as it is when the event is announced. The `id` is the
    same whenever the event is derived from the record again."""

    id: str
    type: EventType
    at: datetime
    database: Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A subscription: the events of these types, which happen after `created_at`, are sent to
    `url`.

    They are events of the caller's own databases, or of those of all callers if it `sees_all`.
    `secret` is the name of the service's secret that the webhook's own one is derived from,
    together with the webhook's id and `nonce`.
    """

    id: str
    caller: str
    url: str
    events: frozenset[EventType]
    sees_all: bool = False
    created_at: datetime
    secret: str = ""
    nonce: str = ""

    def wants(self, event: WebhookEvent) -> bool:
        """Return whether the event is to be sent to this webhook."""
        is_visible = self.sees_all or event.database.caller == self.caller
        return is_visible and event.type in self.events and event.at >= self.created_at

    def with_new_secret(self, passwords: PasswordDeriver, nonce: str) -> "Webhook":
        """Return the webhook with another secret; deliveries are signed with it from then on."""
        return replace(self, secret=passwords.current, nonce=nonce)

    def check_visible_to(self, caller: Caller) -> "Webhook":
        """Return the webhook. Raises WebhookNotFound if it belongs to another caller."""
        if not caller.can_see(self.caller):
            raise WebhookNotFound(f"There is no webhook {self.id!r}.")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """The deliveries of a webhook: how many wait for its receiver, how many were given up and are
    kept, and the error of the newest one that failed."""

    waiting: int = 0
    given_up: int = 0
    last_error: str = ""


def derive_signing_secret(
    passwords: PasswordDeriver, webhook_id: str, secret: str, nonce: str
) -> Secret:
    """Return the secret with which the messages of a webhook are signed, in the form of Standard
    Webhooks; a MissingSecret if the service's secret of that name is not configured."""
    key = passwords.derive_key(f"webhook/{webhook_id}/{nonce}", secret)
    return MissingSecret() if key is None else Secret(SECRET_PREFIX + b64encode(key).decode())


def validate_url(url: str, *, allows_http: bool) -> str:
    """Return the URL of a receiver. Raises InvalidRequest.

    `allows_http` accepts plain HTTP. The addresses of the host are checked at each connection, and
    not here: a name can stand for other addresses later.
    """
    parts = _split(url)
    schemes = ("http", "https") if allows_http else ("https",)
    if parts is None or not parts.hostname or len(url) > MAX_URL:
        raise InvalidRequest(
            f"The url must be that of a server, such as https://hooks.example/pgvend, with at most "
            f"{MAX_URL} characters, all of them ASCII."
        )
    if parts.scheme not in schemes:
        raise InvalidRequest(f"The url must begin with {' or '.join(f'{s}://' for s in schemes)}.")
    if "@" in parts.netloc or parts.fragment:
        raise InvalidRequest(
            "The url must have neither a password nor a fragment: the signature of each message "
            "proves that it comes from this service."
        )
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of the URL, None if it is not one."""
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None
