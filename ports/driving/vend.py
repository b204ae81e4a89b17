"""A nickname in, a working database out."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from domain.caller import ANYONE, Caller
from domain.database import Database
from domain.errors import Forbidden, IllegalTransition, InFlight, RequestKnown, RequestReused
from domain.expiry import ExpiryPolicy
from domain.extensions import check_available
from domain.identity import RANDOM_BYTES, new_id
from domain.labels import checked_labels
from domain.naming import Nickname
from domain.passwords import PasswordDeriver
from domain.request import REMEMBERED, RequestMark, request_mark
from domain.states import State
from domain.steps import Work
from domain.target import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry
from ports.driving.make import MakeDatabase
from ports.driving.vended import Vended, vended_again
from ports.records import changed, drawn_nonce, still_there


class OnConflict(StrEnum):
    """What to do when the plain name is reserved or in use."""

    SUFFIX = "suffix"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendRequest:
    """`key` is the caller's idempotency key: with it, the same request means the same database."""

    nickname: str
    ttl: timedelta | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    on_conflict: OnConflict = OnConflict.SUFFIX
    key: str | None = None
    caller: Caller = ANYONE

    def mark(self) -> RequestMark | None:
        """What it is known by where it has a key. Raises InvalidRequest for a key that is none, and
        Forbidden for an anonymous caller's: others with the same key would get its database."""
        if self.key is None:
            return None
        if self.caller.is_anonymous:
            raise Forbidden(
                "An Idempotency-Key belongs to a caller with an API key: leave it out, or send "
                "Authorization: Bearer <key>."
            )
        asked = (self.nickname, self.ttl and self.ttl.total_seconds(), self.extensions)
        body = json.dumps([*asked, sorted(self.labels.items()), self.on_conflict])
        return request_mark(self.caller.name, self.key, body)


@dataclass(frozen=True, kw_only=True)
class VendDatabase:
    """Decide what is to be made, have it made, and hand it out; the same request, repeated with its
    key, means the same database."""

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    make: MakeDatabase
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    expiry: ExpiryPolicy
    target: Target

    async def __call__(self, request: VendRequest) -> Vended:
        """A new database, or the one that the same request has made, also one that a crash left
        half-made. Raises RequestReused, InFlight while another call is at it, NameTaken,
        QuotaReached, ExtensionUnavailable, and OtherTarget and IllegalTransition where the one that
        was made cannot be handed out."""
        mark = request.mark()
        while True:
            if known := await self._known(mark):
                return await self._again(known)
            await self._check_extensions(request)
            database = self._decided(request, mark)
            async with self.leases.held(database.id):
                with suppress(RequestKnown):  # the same request was faster: look again
                    return await self.make(database, request.caller.quota)

    async def promise(self, request: VendRequest) -> Database:
        """The record of what will be made, or of what the same request has begun or made: for
        callers who come back for it. `finish` makes it. Raises RequestReused, NameTaken,
        QuotaReached, ExtensionUnavailable, OtherTarget and IllegalTransition."""
        mark = request.mark()
        while True:
            if known := await self._known(mark):
                self._check_again(known)
                return known
            await self._check_extensions(request)
            with suppress(RequestKnown):
                promised = replace(self._decided(request, mark), promised=True)
                return await self.make.record(promised, request.caller.quota)

    async def finish(self, database_id: str) -> bool:
        """Make what was promised; undo what nobody can come back for. Whether there was anything
        for this call to do. Idempotent."""
        async with self.leases.held(database_id) as is_mine:
            database = await self.registry.get(database_id)
            is_open = is_mine and database.state is State.PROVISIONING
            if is_open and database.promised:
                await self.make(database)
            elif is_open:
                await self.make.undo(database.id, "The service was stopped while it was made.")
            return is_open

    async def _check_extensions(self, request: VendRequest) -> None:
        """Before there is a record of it. Raises ExtensionUnavailable."""
        if request.extensions:
            check_available(request.extensions, await self.provider.extensions())

    async def _known(self, mark: RequestMark | None) -> Database | None:
        """The record of the same request; an older one than REMEMBERED gives its key free."""
        if mark is None:
            return None
        found = await self.registry.search(Query(request=mark.key, limit=1))
        if not found:
            return None
        [database] = found
        if database.created_at + REMEMBERED <= self.clock.now():
            await changed(self.registry, database.id, lambda seen: replace(seen, request=None))
            return None
        if database.request and database.request.body != mark.body:
            raise RequestReused
        return database

    async def _again(self, database: Database) -> Vended:
        self._check_again(database)
        if database.state is State.PROVISIONING:
            return await self._resumed(database.id)
        async with still_there(self.registry, self.clock, database.id):
            return await vended_again(self.provider, database, self.passwords)

    def _check_again(self, database: Database) -> None:
        database.check_target(self.target)
        try:
            if database.state is not State.PROVISIONING:
                database.check_known(self.clock.now())
        except IllegalTransition as error:
            hint = "This idempotency key made it; take a new key for a new database."
            raise IllegalTransition(f"{error} {hint}") from None

    async def _resumed(self, database_id: str) -> Vended:
        async with self.leases.held(database_id) as is_mine:
            database = await self.registry.get(database_id)
            if is_mine and database.state is State.PROVISIONING:
                return await self.make(database)
        if database.state is State.PROVISIONING:
            raise InFlight("The same request is being worked on; repeat it soon.")
        return await self._again(database)

    def _decided(self, request: VendRequest, mark: RequestMark | None) -> Database:
        now = self.clock.now()
        nickname = Nickname(request.nickname)
        database = Database(
            id=new_id(now, self.randomness.entropy(RANDOM_BYTES)),
            nickname=nickname.typed,
            names=nickname.names(),
            target=self.target,
            caller=request.caller.name,
            secret=self.passwords.current,
            nonce=drawn_nonce(self.randomness),
            request=mark,
            promised=mark is not None,
            suffixable=request.on_conflict is OnConflict.SUFFIX,
            labels=checked_labels(request.labels),
            extensions=tuple(dict.fromkeys(request.extensions)),
            created_at=now,
            expires_at=self.expiry.within(request.caller.longest).expires_at(now, request.ttl),
        )
        return database.began(Work.PROVISION, now)
