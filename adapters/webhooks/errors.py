"""Translation of failed requests into DeliveryFailed.

The messages are shown to the caller who chose the receiver. They do not distinguish a name that
does not exist from one with a private address: that would make the service's own network visible.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from adapters.webhooks.connections import RefusedAddressError
from domain.errors import DeliveryFailed

NO_ADDRESS = (
    "The receiver's host has no address that webhooks may be sent to: use a name with a public "
    "address."
)
NO_HTTPS = "Webhooks are sent by https only: change the beginning of the url to https://."
UNREACHABLE = "The receiver cannot be reached: nothing accepts connections there."
BAD_TLS = (
    "The receiver has no valid certificate for its host: use one of a public authority, with its "
    "intermediate certificates."
)
NO_RESPONSE = "The receiver sent no valid HTTP response."
TOO_SLOW = "The receiver did not answer in time: accept the message first, and then work on it."
BAD_URL = "The url is not valid: set another one."
GONE = "The receiver refuses all further messages (HTTP status 410)."


@contextmanager
def translate_errors(*, is_encrypted: bool) -> Iterator[None]:
    """Raise DeliveryFailed instead of aiohttp's errors."""
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise DeliveryFailed(BAD_URL, retryable=False) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise DeliveryFailed(_explain(error, is_encrypted=is_encrypted)) from error


def _explain(error: Exception, *, is_encrypted: bool) -> str:
    match error:
        case TimeoutError():
            return TOO_SLOW
        case aiohttp.ClientSSLError():
            return BAD_TLS
        case aiohttp.ClientConnectorDNSError():
            return NO_ADDRESS if is_encrypted else NO_HTTPS
        case aiohttp.ClientConnectorError(os_error=RefusedAddressError()):
            return NO_ADDRESS if is_encrypted else NO_HTTPS
        case aiohttp.ClientConnectorError():
            return UNREACHABLE
    return NO_RESPONSE


def check_status(status: int, retry_after: str | None) -> None:
    """Raise DeliveryFailed unless the status means that the message was accepted."""
    if 200 <= status < 300:
        return
    if status == 410:
        raise DeliveryFailed(GONE, retryable=False, status=status)
    advice = ": set the url to the final address" if 300 <= status < 400 else ""
    raise DeliveryFailed(
        f"The receiver answered with HTTP status {status}{advice}.",
        status=status,
        retry_after=_parse_seconds(retry_after),
    )


def _parse_seconds(text: str | None) -> float | None:
    """Return the seconds of `Retry-After`; None for a date, which depends on the receiver's
    clock."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 10
    return float(text or 0) if is_number else None
