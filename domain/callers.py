"""Callers: with API keys and their scopes, and without."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import Forbidden
from domain.rates import Rate


class Scope(StrEnum):
    """A permission of an API key."""

    CREATE = "create"
    READ = "read"  # records and connections
    MANAGE = "manage"
    ADMIN = "admin"  # everything, for all callers


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The sender of a request. The `name` separates its databases and idempotency keys from those
    of others.

    `quota` limits the databases that exist at once, `rate` the requests, `max_ttl` the lifetime of
    the caller's databases. `origins` are the web origins that may send requests; if empty, requests
    may come from anywhere. `key` is the public part of the API key, which is valid until
    `key_expires_at` (None: for ever). `is_anonymous` is true if many
    people share the name: they must not receive each other's results.
    """

    name: str
    scopes: frozenset[Scope]
    quota: int | None = None
    rate: Rate | None = None
    origins: frozenset[str] = frozenset()
    key: str = ""
    key_expires_at: datetime | None = None
    max_ttl: timedelta | None = None
    is_anonymous: bool = False

    @property
    def can_see_all(self) -> bool:
        return Scope.ADMIN in self.scopes

    def can_see(self, owner: str) -> bool:
        """Return whether this caller may see what belongs to the caller named `owner`."""
        return self.can_see_all or owner == self.name

    def check_scope(self, scope: Scope) -> None:
        """Raise Forbidden if the caller lacks the scope."""
        if not (self.can_see_all or scope in self.scopes):
            raise Forbidden(f"The API key lacks the scope {scope}.")

    def check_origin(self, origin: str | None) -> None:
        """Raise Forbidden if the key is for web pages only and `origin` is not one of theirs."""
        if self.origins and (origin or "").lower() not in self.origins:
            raise Forbidden("The API key does not allow requests from this origin.")


ANYONE = Caller(name="anyone", scopes=frozenset(Scope))
"""The only caller of a service that has no API keys."""

ANONYMOUS = "anonymous"
"""The caller who owns the databases that are created without an API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousAccess:
    """Limits of anonymous access: `rate` of requests for each address, `quota` of databases that
    exist at once for all anonymous callers together, `max_ttl` of each database."""

    rate: Rate
    quota: int
    max_ttl: timedelta

    @property
    def caller(self) -> Caller:
        return Caller(
            name=ANONYMOUS,
            scopes=frozenset({Scope.CREATE}),
            quota=self.quota,
            max_ttl=self.max_ttl,
            is_anonymous=True,
        )
