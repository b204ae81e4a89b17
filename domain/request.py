"""What a request that may be repeated is known by."""

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from domain.errors import InvalidRequest

REMEMBERED = timedelta(hours=24)
"""How long the same key means the same database."""

KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


@dataclass(frozen=True, slots=True)
class RequestMark:
    """Digests: of the caller with its idempotency key, and of what was asked for."""

    key: str
    body: str


def request_mark(caller: str, key: str, body: str) -> RequestMark:
    """A key is one caller's own: the same one from another caller is another. Raises
    InvalidRequest when it is no key: 1 to 255 visible ASCII characters, spaces between them."""
    if not KEY.fullmatch(key):
        raise InvalidRequest("The Idempotency-Key has to be 1 to 255 visible ASCII characters.")
    return RequestMark(_digest(caller, key), _digest(body))


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
