"""Idempotency: the keys by which repeated requests are recognized."""

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from domain.errors import InvalidRequest

RETENTION = timedelta(hours=24)
"""How long a repeated key returns the same database."""

KEY_PATTERN = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Digests: of the caller with its idempotency key, and of the request's content."""

    key: str
    body: str


def create_idempotency_key(caller: str, key: str, body: str) -> IdempotencyKey:
    """Return the key of one caller: the same text from another caller is another key. Raises
    InvalidRequest unless it has 1 to 255 visible ASCII characters, with spaces in between."""
    if not KEY_PATTERN.fullmatch(key):
        raise InvalidRequest("The Idempotency-Key must have 1 to 255 visible ASCII characters.")
    return IdempotencyKey(_digest(caller, key), _digest(body))


def create_reuse_key(caller: str, nickname: str) -> IdempotencyKey:
    """Return the key of the database that one caller reuses under this nickname. No text that a
    caller sends as its key gives the same one: keys have no control characters."""
    return IdempotencyKey(_digest("reuse", caller, nickname), "")


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
