"""API keys: the stored records, and the keys that callers send."""

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from domain.audit import SYSTEM_CALLER
from domain.callers import Caller, Scope
from domain.errors import InvalidRequest, KeyRefused
from domain.ids import CROCKFORD, encode_base32
from domain.rates import Rate
from domain.secrets import Secret

ID_BYTES = 5
SECRET_BYTES = 32

MAX_ORIGINS = 16
MAX_QUOTA = 1_000_000

KEY_ID_PATTERN = re.compile(rf"pgv_[{CROCKFORD}]{{8}}")
_KEY_PATTERN = re.compile(rf"({KEY_ID_PATTERN.pattern})_[0-9a-f]{{64}}")
KEY_NAME_PATTERN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """The record of an API key. The key itself is shown once; only its digest is stored.

    `id` is the beginning of the key: public, and sufficient to find the record. Keys with the same
    `name` belong to one caller, so that one key can replace another.
    """

    id: str
    digest: str
    name: str
    scopes: frozenset[Scope]
    quota: int | None = None
    rate: Rate | None = None
    origins: frozenset[str] = frozenset()
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def caller(self) -> Caller:
        return Caller(
            name=self.name,
            scopes=self.scopes,
            quota=self.quota,
            rate=self.rate,
            origins=self.origins,
            key=self.id,
            key_expires_at=self.expires_at,
        )

    def revoke(self, at: datetime) -> "ApiKey":
        """Return the revoked key; the time of the first revocation counts."""
        return replace(self, revoked_at=self.revoked_at or at)

    def check_valid(self, now: datetime) -> None:
        """Raise KeyRefused if the key is revoked or expired. Compare the digest first."""
        if self.revoked_at:
            raise KeyRefused(f"The API key {self.id} was revoked.")
        if self.expires_at and self.expires_at <= now:
            raise KeyRefused(f"The API key {self.id} has expired.")


def new_key(entropy: bytes) -> tuple[str, Secret]:
    """Return the id of a new key, and the key. The first ID_BYTES of `entropy` are for the id, the
    other SECRET_BYTES for the secret."""
    key_id = f"pgv_{encode_base32(int.from_bytes(entropy[:ID_BYTES]), 8)}"
    return key_id, Secret(f"{key_id}_{entropy[ID_BYTES:].hex()}")


def parse_key_id(key: Secret) -> str | None:
    """Return the id of the key, or None if it does not have the form of a stored key."""
    found = _KEY_PATTERN.fullmatch(key.reveal())
    return found[1] if found else None


def digest_key(key: Secret) -> str:
    """Return the digest of a key. A fast hash without salt is safe for 256 random bits."""
    return sha256(key.reveal().encode(errors="surrogateescape")).hexdigest()


def is_same_digest(digest: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest, other)


def validate_key_name(name: str) -> str:
    """Return the name of a key's caller. Raises InvalidRequest."""
    if not KEY_NAME_PATTERN.fullmatch(name) or name == SYSTEM_CALLER:
        raise InvalidRequest(
            "The name of a key must have 1 to 63 letters, digits and ._@-, begin and end with a "
            f"letter or digit, and must not be {SYSTEM_CALLER}, the name of the service."
        )
    return name


def restrict_scopes(scopes: frozenset[Scope], origins: Collection[str]) -> frozenset[Scope]:
    """Return the scopes that a key for these web origins can have. A web page cannot keep a key
    secret, so its key can only create. Raises InvalidRequest if no scope is left."""
    allowed = scopes & {Scope.CREATE} if origins else scopes
    if not allowed:
        raise InvalidRequest("A key needs a scope; with origins, the only possible one is create.")
    return allowed


@dataclass(frozen=True, slots=True)
class StaticKey:
    """A key in the operator's settings."""

    digest: str
    caller: Caller
