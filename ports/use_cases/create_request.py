"""The request to create a database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.callers import ANYONE, Caller
from domain.errors import Forbidden, InvalidRequest
from domain.idempotency import IdempotencyKey, create_idempotency_key


class OnConflict(StrEnum):
    """The reaction to a name that is reserved or in use: add a suffix, or reject the request."""

    SUFFIX = "suffix"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """`template` names the template, or `source` the database, of which the new one is a copy;
    both are empty for an empty database. `ends_sessions` ends sessions in the `source`. `key` is
    the caller's idempotency key: the same request with the same key returns the same database."""

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
        """Raise InvalidRequest if the members contradict each other."""
        if self.template and self.source:
            raise InvalidRequest("Send template or from, not both.")
        if self.ends_sessions and not self.source:
            raise InvalidRequest("end_sessions ends sessions in a database: send from, too.")

    def to_idempotency_key(self) -> IdempotencyKey | None:
        """Return the digests of the key and the request, or None without a key. Raises
        InvalidRequest for an invalid key, and Forbidden for a key from an anonymous caller: other
        anonymous callers with the same key would get its database."""
        if self.key is None:
            return None
        if self.caller.is_anonymous:
            raise Forbidden(
                "An Idempotency-Key belongs to a caller with an API key: leave it out, or send "
                "Authorization: Bearer <key>."
            )
        fields = (self.nickname, self.ttl and self.ttl.total_seconds(), self.extensions)
        body = json.dumps([*fields, sorted(self.labels.items()), self.on_conflict, *self._origin()])
        return create_idempotency_key(self.caller.name, self.key, body)

    def _origin(self) -> Sequence[object]:
        """Return nothing for an empty database: its digest is that of earlier releases."""
        origin = (self.template, self.source, self.ends_sessions)
        return origin if any(origin) else ()
