"""Anonymous access: database creation without an API key, if the operator allows it."""

from dataclasses import dataclass
from datetime import timedelta

from domain.callers import Caller, Scope
from domain.rates import Rate

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
