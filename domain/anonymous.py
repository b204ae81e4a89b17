"""Creation by callers without a key, where the operator opens it."""

from dataclasses import dataclass
from datetime import timedelta

from domain.caller import Caller, Scope
from domain.rate import Rate

ANONYMOUS = "anonymous"
"""The caller whom databases created without a key belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousAccess:
    """The limits within which anybody may create: `rate` for each address, `quota` of databases
    that exist at once, for all of them together, `longest` a database lives."""

    rate: Rate
    quota: int
    longest: timedelta

    @property
    def caller(self) -> Caller:
        return Caller(
            name=ANONYMOUS,
            scopes=frozenset({Scope.CREATE}),
            quota=self.quota,
            longest=self.longest,
            is_anonymous=True,
        )
