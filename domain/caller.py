"""Who asks, and what they may ask for."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.errors import Forbidden
from domain.rate import Rate


class Scope(StrEnum):
    """What a key is for."""

    CREATE = "create"
    READ = "read"  # records and connections
    MANAGE = "manage"
    ADMIN = "admin"  # everything, everybody's


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose databases and idempotency keys are told apart from others' by the `name`.

    `quota` bounds the databases that exist at once, `rate` the requests; `origins` are the web
    pages that may ask, none for anything but web pages too. `key` is the public part of the key
    that was shown. `longest` bounds the life of the caller's databases. `is_anonymous` says that
    many people ask by this one name, who must not get what another of them was given.
    """

    name: str
    scopes: frozenset[Scope]
    quota: int | None = None
    rate: Rate | None = None
    origins: frozenset[str] = frozenset()
    key: str = ""
    longest: timedelta | None = None
    is_anonymous: bool = False

    @property
    def sees_all(self) -> bool:
        return Scope.ADMIN in self.scopes

    def sees(self, owner: str) -> bool:
        """Whether what belongs to the caller of the name `owner` exists for this one."""
        return self.sees_all or owner == self.name

    def check_may(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if not (self.sees_all or scope in self.scopes):
            raise Forbidden(f"This key is not for that: it takes one with the scope {scope}.")

    def check_origin(self, origin: str | None) -> None:
        """Raises Forbidden when the key is for other web pages than `origin`, or for web pages and
        there is none."""
        if self.origins and (origin or "").lower() not in self.origins:
            raise Forbidden("This key is for web pages of other origins than the request's.")


ANYONE = Caller(name="anyone", scopes=frozenset(Scope))
"""The one caller of a service without keys."""
