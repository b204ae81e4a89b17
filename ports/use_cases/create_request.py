"""The request to create a database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.callers import ANYONE, Caller, Scope
from domain.errors import Forbidden, InvalidRequest
from domain.idempotency import IdempotencyKey, create_idempotency_key, create_reuse_key


class OnConflict(StrEnum):
    """The reaction to a name that is reserved or in use: add a suffix, or reject the request; or to
    a database of the same caller and nickname: reuse it."""

    SUFFIX = "suffix"
    REJECT = "reject"
    REUSE = "reuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """`template` names the template, or `source` the database, of which the new one is a copy;
    both are empty for an empty database. `ends_sessions` ends sessions in the `source`. `key` is
    the caller's idempotency key: the same request with the same key returns the same database. A
    request that reuses a database is safe to repeat without one, and ignores it."""

    nickname: str
    ttl: timedelta | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    on_conflict: OnConflict = OnConflict.SUFFIX
    template: str = ""
    source: str = ""
    ends_sessions: bool = False
    key: str | None = None
    caller: Caller = ANYONE

    def check(self) -> None:
        """Raise InvalidRequest if the members contradict each other, and Forbidden if the caller
        may not reuse databases."""
        if self.template and self.source:
            raise InvalidRequest("Send template or from, not both.")
        if self.ends_sessions and not self.source:
            raise InvalidRequest("end_sessions ends sessions in a database: send from, too.")
        if self.reuses:
            self._check_may_reuse()

    @property
    def reuses(self) -> bool:
        return self.on_conflict is OnConflict.REUSE

    def to_idempotency_key(self) -> IdempotencyKey | None:
        """Return the digests of the key and the request, or None without a key; for a request that
        reuses a database, the key of its caller and nickname. Raises InvalidRequest for an invalid
        key, and Forbidden for a key from an anonymous caller: other anonymous callers with the same
        key would get its database."""
        digests = None if self.key is None else self._digest(self.key)
        return create_reuse_key(self.caller.name, self.nickname) if self.reuses else digests

    def _digest(self, key: str) -> IdempotencyKey:
        if self.caller.is_anonymous:
            raise Forbidden(
                "An Idempotency-Key belongs to a caller with an API key: leave it out, or send "
                "Authorization: Bearer <key>."
            )
        fields = (self.nickname, self.ttl and self.ttl.total_seconds(), self.extensions)
        body = json.dumps([*fields, sorted(self.labels.items()), self.on_conflict, *self._origin()])
        return create_idempotency_key(self.caller.name, key, body)

    def _check_may_reuse(self) -> None:
        """Raise Forbidden for callers that may only create, and for those that share their name or
        their key with strangers: the existing password may be that of somebody else."""
        if self.caller.is_anonymous or self.caller.origins:
            raise Forbidden(
                "on_conflict: reuse hands out existing passwords, and is not for anonymous callers "
                "and for keys of web pages: leave it out, or use a key without origins."
            )
        for scope in (Scope.CREATE, Scope.READ, Scope.MANAGE):
            self.caller.check_scope(scope)

    def _origin(self) -> Sequence[object]:
        """Return nothing for an empty database: its digest is that of earlier releases."""
        origin = (self.template, self.source, self.ends_sessions)
        return origin if any(origin) else ()
