"""A nickname in, a working database out."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.connection import Connection
from domain.database import Database, State, Step, StepState, Target
from domain.errors import NameTaken, PgvendError
from domain.expiry import ExpiryPolicy
from domain.identity import RANDOM_BYTES, new_id
from domain.labels import checked_labels
from domain.naming import SUFFIX_ALPHABET, SUFFIX_LENGTH, Names, Nickname
from domain.order import Order
from domain.passwords import PasswordDeriver
from ports.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry

MAX_SUFFIXES = 7
"""Suffixes tried for one nickname. With 36^6 of them a second is rare, a third an accident."""


class OnConflict(StrEnum):
    """What to do when the plain name is reserved or in use."""

    SUFFIX = "suffix"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendRequest:
    nickname: str
    ttl: timedelta | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    on_conflict: OnConflict = OnConflict.SUFFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Vended:
    database: Database
    connection: Connection


@dataclass(frozen=True, kw_only=True)
class VendDatabase:
    """Record the intent, make the database, prove that it works, hand it out.

    When it raises, nothing of the database is left, unless it was ready by then: that one stays,
    and is listed. Where even the clean-up failed, the record says `retiring` (or, with the registry
    gone, `provisioning`), and so tells what is still to be dropped. A database that was retired
    while it was made is dropped again; where that fails, only the inventory tells of it.
    """

    registry: Registry
    provider: DatabaseProvider
    login_check: LoginCheck
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    expiry: ExpiryPolicy
    target: Target

    async def __call__(self, request: VendRequest) -> Vended:
        database = self._decided(request)
        try:
            return await self._made(database, request.on_conflict)
        except BaseException:
            await finished(self._abandon(database.id))
            raise

    def _decided(self, request: VendRequest) -> Database:
        now = self.clock.now()
        nickname = Nickname(request.nickname)
        return Database(
            id=new_id(now, self.randomness.entropy(RANDOM_BYTES)),
            nickname=nickname.typed,
            names=nickname.names(),
            target=self.target,
            labels=checked_labels(request.labels),
            extensions=tuple(dict.fromkeys(request.extensions)),
            created_at=now,
            expires_at=self.expiry.expires_at(now, request.ttl),
            steps=(Step("provision", StepState.RUNNING, now),),
        )

    async def _made(self, database: Database, on_conflict: OnConflict) -> Vended:
        """The database under the first name that is free, in the registry and on the provider."""
        keep = self.registry.add
        for names in self._candidates(database, on_conflict):
            try:
                database = await keep(database.renamed(names))
            except NameTaken:
                continue
            keep = self.registry.update
            try:
                connection = await self.provider.provision(self._order(database))
            except NameTaken:
                await self.provider.retire(database.tenant)
                continue
            return await self._ready(database, connection)
        raise NameTaken(
            f"The name {database.names.database!r} is reserved or in use; choose another nickname."
        )

    def _candidates(self, database: Database, on_conflict: OnConflict) -> Iterator[Names]:
        nickname = Nickname(database.nickname)
        if not nickname.is_reserved():
            yield nickname.names()
        if on_conflict is OnConflict.SUFFIX:
            for _ in range(MAX_SUFFIXES):
                yield nickname.names(self.randomness.suffix(SUFFIX_ALPHABET, SUFFIX_LENGTH))

    def _order(self, database: Database) -> Order:
        return Order(
            tenant=database.tenant,
            password=self.passwords(database.id, database.rotation),
            extensions=database.extensions,
        )

    async def _ready(self, database: Database, connection: Connection) -> Vended:
        database = database.with_step("provision", StepState.DONE, self.clock.now())
        database = database.with_step("verify", StepState.RUNNING, self.clock.now())
        database = await self.registry.update(database)
        await self.login_check.verify(connection)
        database = database.with_step("verify", StepState.DONE, self.clock.now())
        database = await self.registry.update(database.moved(State.READY))
        return Vended(database=database, connection=connection)

    async def _abandon(self, database_id: str) -> None:
        """Drop what a failed vend made, and say so in the record. Never raises an error of ours.

        A record that is not there means that nothing was made. One that is ready was finished in
        time. Any other is dropped: where somebody asked for its end meanwhile, this vend may have
        made it after that was done.
        """
        with suppress(PgvendError):
            database = await self.registry.get(database_id)
            if database.state is State.READY:
                return
            state = await self._dropped(database)
            if database.state is State.PROVISIONING:
                database = database.with_running_steps_failed(self.clock.now())
                await self.registry.update(database.moved(state))

    async def _dropped(self, database: Database) -> State:
        try:
            await self.provider.retire(database.tenant)
        except Exception:  # whatever it is, the record says that something may be left
            return State.RETIRING
        return State.FAILED
