"""Derived passwords: a repeated operation sets the same password, and none is stored.

Each password has its own nonce: a registry that is restored from a backup repeats rotation numbers,
and must not issue a password that was revoked since the backup.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count, islice
from string import ascii_lowercase, ascii_uppercase, digits

from domain.secrets import MissingSecret, Secret

SYMBOLS = "-_.~"
ALPHABET = ascii_lowercase + ascii_uppercase + digits + SYMBOLS
"""The unreserved characters of URIs (RFC 3986, 2.3): a password never needs escaping."""

LENGTH = 24
"""Characters: 145 bits with this alphabet."""

CLASSES = (ascii_lowercase, ascii_uppercase, digits, SYMBOLS)
"""Neon, and the policies of most servers, require one character of each class."""

NONCE_BYTES = 16

_UNBIASED = 256 - 256 % len(ALPHABET)
_BIASED = bytes(range(_UNBIASED, 256))
_CHARACTER_OF_BYTE = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))


def derive_secret_name(secret: Secret) -> str:
    """Return a public name of the secret, from which the secret cannot be derived.

    Records name the secret of their password by it. The name of the first secret is the name of the
    installation, which marks its databases.
    """
    return next(_derive_blocks(secret, "installation"))[:6].hex()


@dataclass(frozen=True, slots=True)
class PasswordDeriver:
    """Derives the password of a database from one of the service's secrets; the same every time.

    New passwords are derived from `secret`; the `previous` secrets serve older passwords. `first`
    is the name of the secret of records that name none; if empty, the current secret.
    """

    secret: Secret = field(repr=False)
    previous: tuple[Secret, ...] = field(default=(), repr=False)
    first: str = ""
    current: str = field(init=False)
    """The name of the secret for new passwords."""
    _secrets: Mapping[str, Secret] = field(init=False, repr=False, compare=False)
    """All secrets by name; deriving a name for each password would take a fourth of its time."""

    def __post_init__(self) -> None:
        secrets = {derive_secret_name(each): each for each in (self.secret, *self.previous)}
        object.__setattr__(self, "_secrets", secrets)
        object.__setattr__(self, "current", next(iter(secrets)))

    def knows(self, name: str) -> bool:
        """Return whether the secret of that name is configured."""
        return self._find_secret(name) is not None

    def __call__(self, database_id: str, rotation: int, name: str = "", nonce: str = "") -> Secret:
        """Return the password of `database_id` after `rotation` rotations (0: the first password),
        from the secret of that name; a MissingSecret if that secret is not configured.

        Records of early releases have an empty `nonce`, and keep their passwords.
        """
        secret = self._find_secret(name)
        if secret is None:
            return MissingSecret()
        blocks = _derive_blocks(secret, _format_purpose(database_id, rotation, nonce))
        characters = chain.from_iterable(map(_to_characters, blocks))
        while True:
            candidate = "".join(islice(characters, LENGTH))
            if all(any(char in chars for char in candidate) for chars in CLASSES):
                return Secret(candidate)

    def derive_key(self, purpose: str, name: str) -> bytes | None:
        """Return 32 bytes for a purpose other than passwords, from the secret of that name; None if
        that secret is not configured."""
        secret = self._find_secret(name)
        return None if secret is None else next(_derive_blocks(secret, purpose))

    def _find_secret(self, name: str) -> Secret | None:
        return self._secrets.get(name or self.first or self.current)


def new_nonce(entropy: bytes) -> str:
    """Return the nonce for a new password, from NONCE_BYTES random bytes."""
    if len(entropy) != NONCE_BYTES:
        raise ValueError(f"a nonce takes {NONCE_BYTES} random bytes, not {len(entropy)}")
    return entropy.hex()


def _format_purpose(database_id: str, rotation: int, nonce: str) -> str:
    purpose = f"password/{rotation}/{database_id}"
    return f"{purpose}/{nonce}" if nonce else purpose


def _derive_blocks(secret: Secret, purpose: str) -> Iterator[bytes]:
    """Yield endless blocks of bytes for one purpose: HMAC-SHA-256 of the secret in counter mode."""
    key = secret.reveal().encode(errors="surrogateescape")
    for block in count():
        yield hmac.digest(key, f"pgvend/1/{block}/{purpose}".encode(), "sha256")


def _to_characters(block: bytes) -> str:
    """Map bytes to characters without bias: discard bytes beyond the last whole multiple."""
    return block.translate(_CHARACTER_OF_BYTE, _BIASED).decode()
