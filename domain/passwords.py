"""Passwords are derived, not stored: a repeated step writes the same one, nothing keeps it.

Each has a nonce of its own: a registry that comes back from a backup counts rotations from where it
was, and must not issue a password that was revoked since.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from string import ascii_lowercase, ascii_uppercase, digits

from domain.secret import MissingSecret, Secret

SYMBOLS = "-_.~"
ALPHABET = ascii_lowercase + ascii_uppercase + digits + SYMBOLS
"""The URI-unreserved characters (RFC 3986, 2.3): a password needs no escaping anywhere."""

LENGTH = 24
"""Characters: 145 bits over this alphabet."""

CLASSES = (ascii_lowercase, ascii_uppercase, digits, SYMBOLS)
"""Neon and most servers' policies ask for one character of each."""

NONCE_BYTES = 16

_UNBIASED = 256 - 256 % len(ALPHABET)


def name_of(secret: Secret) -> str:
    """A public name of the secret, which does not lead back to it.

    A record says by it where its password comes from; the first secret's one is the installation's
    name, which marks what is ours.
    """
    return bytes(islice(_stream(secret, "installation"), 6)).hex()


@dataclass(frozen=True, slots=True)
class PasswordDeriver:
    """Makes the password of a database from one of the service's secrets; the same every time.

    New passwords come from `secret`; the `previous` ones are for those that came from them. `first`
    is the name of the secret that is meant where none is named; the current one without it.
    """

    secret: Secret = field(repr=False)
    previous: tuple[Secret, ...] = field(default=(), repr=False)
    first: str = ""

    @property
    def current(self) -> str:
        """The name of the secret that new passwords come from."""
        return name_of(self.secret)

    def knows(self, name: str) -> bool:
        """Whether the secret of that name is one of ours."""
        return self._named(name) is not None

    def __call__(self, database_id: str, rotation: int, name: str = "", nonce: str = "") -> Secret:
        """Return the password of `database_id` after `rotation` rotations (0: the first password),
        from the secret of that name; a MissingSecret where nobody has it.

        Records of releases that drew no `nonce` have an empty one, and keep their passwords.
        """
        secret = self._named(name)
        if secret is None:
            return MissingSecret()
        characters = _characters(_stream(secret, _purpose(database_id, rotation, nonce)))
        while True:
            candidate = "".join(next(characters) for _ in range(LENGTH))
            if all(any(char in chars for char in candidate) for chars in CLASSES):
                return Secret(candidate)

    def _named(self, name: str) -> Secret | None:
        wanted = name or self.first or self.current
        known = (self.secret, *self.previous)
        return next((secret for secret in known if name_of(secret) == wanted), None)


def new_nonce(entropy: bytes) -> str:
    """Return the nonce for a new password, of NONCE_BYTES that nobody can foresee."""
    if len(entropy) != NONCE_BYTES:
        raise ValueError(f"a nonce takes {NONCE_BYTES} random bytes, not {len(entropy)}")
    return entropy.hex()


def _purpose(database_id: str, rotation: int, nonce: str) -> str:
    purpose = f"password/{rotation}/{database_id}"
    return f"{purpose}/{nonce}" if nonce else purpose


def _stream(secret: Secret, purpose: str) -> Iterator[int]:
    """Endless bytes for one purpose: HMAC-SHA-256 of the secret in counter mode."""
    key = secret.reveal().encode(errors="surrogateescape")
    for block in count():
        yield from hmac.digest(key, f"pgvend/1/{block}/{purpose}".encode(), "sha256")


def _characters(stream: Iterator[int]) -> Iterator[str]:
    """Bytes to characters without bias: bytes beyond the last whole multiple are thrown away."""
    return (ALPHABET[byte % len(ALPHABET)] for byte in stream if byte < _UNBIASED)
