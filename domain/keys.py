"""API keys: what is kept of them, and what callers show."""

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from domain.audit import OURSELVES
from domain.caller import Caller, Scope
from domain.errors import InvalidRequest, KeyRefused
from domain.identity import CROCKFORD, digits_of
from domain.rate import Rate
from domain.secret import Secret

ID_BYTES = 5
SECRET_BYTES = 32

MAX_ORIGINS = 16
LARGEST_QUOTA = 1_000_000

ID = re.compile(rf"pgv_[{CROCKFORD}]{{8}}")
_SHAPE = re.compile(rf"({ID.pattern})_[0-9a-f]{{64}}")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """The record of a key; the key itself is shown once, and only its digest is kept.

    `id` is how the key begins: public, and enough to find its record. Keys with the same `name` are
    one caller's, so that a key can be replaced by another.
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
        )

    def revoked(self, at: datetime) -> "ApiKey":
        """The same key, of no use from now on; the first time counts."""
        return replace(self, revoked_at=self.revoked_at or at)

    def check_valid(self, now: datetime) -> None:
        """For whoever has shown the whole key. Raises KeyRefused."""
        if self.revoked_at:
            raise KeyRefused(f"The key {self.id} was revoked.")
        if self.expires_at and self.expires_at <= now:
            raise KeyRefused(f"The key {self.id} has expired.")


def new_key(entropy: bytes) -> tuple[str, Secret]:
    """The id of a new key, and the key. Of `entropy`, the first ID_BYTES are for the id, the other
    SECRET_BYTES for the secret."""
    key_id = f"pgv_{digits_of(int.from_bytes(entropy[:ID_BYTES]), 8)}"
    return key_id, Secret(f"{key_id}_{entropy[ID_BYTES:].hex()}")


def id_in(key: Secret) -> str | None:
    """The id of a key that could be one of ours."""
    found = _SHAPE.fullmatch(key.reveal())
    return found[1] if found else None


def digest_of(key: Secret) -> str:
    """A key has 256 random bits: a fast hash without salt hides it."""
    return sha256(key.reveal().encode(errors="surrogateescape")).hexdigest()


def is_same(digest: str, other: str) -> bool:
    """In a time that does not tell where they differ."""
    return hmac.compare_digest(digest, other)


def checked_name(name: str) -> str:
    """Raises InvalidRequest."""
    if not NAME.fullmatch(name) or name == OURSELVES:
        raise InvalidRequest(
            "A key's name has 1 to 63 letters, digits and ._@-, begins and ends with a letter or "
            f"digit, and is not {OURSELVES}, which is what the audit trail calls the sweep."
        )
    return name


def granted(scopes: frozenset[Scope], origins: Collection[str]) -> frozenset[Scope]:
    """What a key for these web pages may be for: they cannot keep it secret, so it can only create.
    Raises InvalidRequest when nothing is left."""
    left = scopes & {Scope.CREATE} if origins else scopes
    if not left:
        raise InvalidRequest("A key needs a scope; one for web pages can only have create.")
    return left


@dataclass(frozen=True, slots=True)
class StaticKey:
    """A key that the operator has put into the settings."""

    digest: str
    caller: Caller
