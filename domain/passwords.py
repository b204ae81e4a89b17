"""Passwords are derived, not stored: a repeated step writes the same one, nothing keeps it."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from string import ascii_lowercase, ascii_uppercase, digits

from domain.secret import Secret

SYMBOLS = "-_.~"
ALPHABET = ascii_lowercase + ascii_uppercase + digits + SYMBOLS
"""The URI-unreserved characters (RFC 3986, 2.3): a password needs no escaping anywhere."""

LENGTH = 24
"""Characters: 145 bits over this alphabet."""

CLASSES = (ascii_lowercase, ascii_uppercase, digits, SYMBOLS)
"""Neon and most servers' policies ask for one character of each."""

_UNBIASED = 256 - 256 % len(ALPHABET)


@dataclass(frozen=True, slots=True)
class PasswordDeriver:
    """Makes the password of a database from the service's secret; the same every time."""

    secret: Secret = field(repr=False)

    def __call__(self, database_id: str, rotation: int) -> Secret:
        """The password of `database_id` after `rotation` rotations (0: the first password)."""
        characters = _characters(self._stream(f"password/{rotation}/{database_id}"))
        while True:
            candidate = "".join(next(characters) for _ in range(LENGTH))
            if all(any(char in chars for char in candidate) for chars in CLASSES):
                return Secret(candidate)

    def installation(self) -> str:
        """A public name for all that this secret stands behind; it marks what is ours."""
        return bytes(islice(self._stream("installation"), 6)).hex()

    def _stream(self, purpose: str) -> Iterator[int]:
        """Endless bytes for one purpose: HMAC-SHA-256 of the secret in counter mode."""
        key = self.secret.reveal().encode(errors="surrogateescape")
        for block in count():
            yield from hmac.digest(key, f"pgvend/1/{block}/{purpose}".encode(), "sha256")


def _characters(stream: Iterator[int]) -> Iterator[str]:
    """Bytes to characters without bias: bytes beyond the last whole multiple are thrown away."""
    return (ALPHABET[byte % len(ALPHABET)] for byte in stream if byte < _UNBIASED)
