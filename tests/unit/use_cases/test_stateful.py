"""Random sequences of calls and faults: the service keeps what it answered."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from adapters.memory.provider import EMPTY, no_trouble
from domain.callers import Caller
from domain.database import Database
from domain.errors import PgvendError
from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname
from domain.provisioning import Holding, Order, Tenant
from domain.states import State
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_database import VendRequest
from ports.use_cases.provisioned_database import Vended
from tests.support.actions import LIMIT
from tests.support.consistency import STRANGER, assert_in_line, found, settle
from tests.support.expectations import Answers, assert_kept
from tests.support.memory_faults import BLOWS, Fate, Process, troubled
from tests.support.memory_service import GRACE, HOUR, Memory
from tests.support.people import ANN, BOB
from tests.support.provision_requests import deriver

T = TypeVar("T")
Owned = tuple[Caller, str]
"""A caller, and the id of its database."""

NEVER = 10_000
"""A moment that no call reaches."""

fates = st.builds(
    lambda kind, at: BLOWS[kind].fate(at),
    st.sampled_from(list(BLOWS)),
    st.just(NEVER) | st.integers(1, 16),
)
callers = st.sampled_from([ANN, BOB])
keys = st.sampled_from([None, "one", "two"])
nicknames = st.sampled_from(["Sales", "Stock", "Taken"])
ttls = st.sampled_from([None, HOUR, 30 * HOUR])
jumps = st.sampled_from([-26 * HOUR, -HOUR / 2, HOUR / 100, HOUR / 2, 2 * HOUR, 25 * HOUR])


class Lives(RuleBasedStateMachine):
    databases: Bundle[Owned] = Bundle("databases")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.service = Memory(limit=LIMIT)
        self.answers = Answers()
        self.imported: list[str] = []
        self.runner.run(self.service.occupy("Taken"))

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.runner.close()

    @rule(target=databases, caller=callers, key=keys, nickname=nicknames, ttl=ttls, fate=fates)
    def create(
        self, caller: Caller, key: str | None, nickname: str, ttl: timedelta | None, fate: Fate
    ) -> Any:
        request = self.asked(caller, key, nickname, ttl)
        vended = self.tried(fate, lambda it: it.memory.vend(login_check=it.login_check)(request))
        if not vended:
            return multiple()
        self.answered(request, vended.database)
        self.handed_out(vended)
        return caller, vended.database.id

    @rule(target=databases, caller=callers, key=keys, nickname=nicknames, fate=fates)
    def order(self, caller: Caller, key: str | None, nickname: str, fate: Fate) -> Any:
        request = self.asked(caller, key, nickname, None)
        promised = self.tried(fate, lambda it: it.memory.vend().request(request))
        if not promised:
            return multiple()
        self.answered(request, promised)
        return caller, promised.id

    @rule(owned=databases, fate=fates, is_drop=st.booleans())
    def finish(self, owned: Owned, fate: Fate, is_drop: bool) -> None:
        def finished(process: Process) -> Awaitable[bool]:
            if is_drop:
                return process.memory.deletion().finish(owned[1])
            return process.memory.vend(login_check=process.login_check).finish(owned[1])

        self.tried(fate, finished)

    @rule(owned=databases, fate=fates)
    def rotate(self, owned: Owned, fate: Fate) -> None:
        self.answers.rotation_asked(owned[1])
        self.handed_out(self.tried(fate, lambda it: it.memory.rotate()(owned[1], owned[0])))

    @rule(owned=databases)
    def connect(self, owned: Owned) -> None:
        self.handed_out(self.tried(None, lambda it: it.memory.connect()(owned[1], owned[0])))

    @rule(owned=databases, ttl=st.sampled_from([HOUR, 30 * HOUR]), fate=fates)
    def extend(self, owned: Owned, ttl: timedelta, fate: Fate) -> None:
        self.answers.end_asked(owned[1], self.service.clock.now() + ttl)
        request = ChangeRequest(ttl=ttl)
        extended = self.tried(fate, lambda it: it.memory.change()(owned[1], request, owned[0]))
        if extended:
            self.answers.end_answered(extended)

    @rule(owned=databases, ttl=ttls, fate=fates)
    def restore(self, owned: Owned, ttl: timedelta | None, fate: Fate) -> None:
        self.handed_out(self.tried(fate, lambda it: it.memory.restore()(owned[1], ttl, owned[0])))

    @rule(owned=databases, fate=fates)
    def delete(self, owned: Owned, fate: Fate) -> None:
        self.answers.deletion_asked(owned[1])
        if self.tried(fate, lambda it: it.memory.deletion().request(owned[1], owned[0])):
            self.answers.deletion_answered(owned[1])

    @rule(jump=jumps)
    def time_jumps(self, jump: timedelta) -> None:
        self.service.clock.moment += jump

    @rule(fate=fates)
    def sweep(self, fate: Fate) -> None:
        self.answers.swept(self.service.clock.now())
        self.tried(fate, lambda it: it.memory.sweep(GRACE, login_check=it.login_check)())

    @rule(owned=databases, size=st.sampled_from([EMPTY, LIMIT.size, 2 * LIMIT.size]))
    def fill(self, owned: Owned, size: int) -> None:
        self.service.provider.fill(owned[1], size)

    @rule()
    def look_what_a_sweep_would_do(self) -> None:
        before = self.all_there_is()
        self.runner.run(found(self.service, GRACE, dry_run=True))
        assert self.all_there_is() == before

    @rule()
    def lose_a_record(self) -> None:
        """Provision a database with our mark that another registry recorded."""
        database_id = new_id(
            self.service.clock.now() - 9000 * HOUR, self.service.randomness.entropy(RANDOM_BYTES)
        )
        names = Nickname(f"Lost {len(self.imported)}").names()
        order = Order(tenant=Tenant(database_id, names), password=deriver(database_id, 0))
        self.runner.run(self.service.provider.provision(order))
        self.imported.append(database_id)

    @rule()
    def settle(self) -> None:
        self.runner.run(settle(self.service, GRACE))
        self.answers.swept(self.service.clock.now())
        self.runner.run(assert_in_line(self.service, GRACE))
        records, holdings = self.all_there_is()
        assert Holding(id=STRANGER, database="taken", owner="user_taken") in holdings
        assert all(records[database_id].state is State.READY for database_id in self.imported)
        for database_id, told in self.answers.told.items():
            is_accepted = told.connection and self.service.provider.accepts(told.connection)
            assert_kept(told, records[database_id], is_accepted=bool(is_accepted))

    def asked(
        self, caller: Caller, key: str | None, nickname: str, ttl: timedelta | None
    ) -> VendRequest:
        """Check that a key always returns the same database."""
        if key is None:
            return VendRequest(nickname=nickname, ttl=ttl, caller=caller)
        self.answers.key_used(caller.name, key, self.service.clock.now())
        return VendRequest(nickname=key, ttl=30 * HOUR, key=key, caller=caller)

    def answered(self, request: VendRequest, database: Database) -> None:
        if request.key:
            self.answers.key_answered(request.caller.name, request.key, database)

    def handed_out(self, vended: Vended | None) -> None:
        if vended:
            assert self.service.provider.accepts(vended.connection), vended
            self.answers.handed_out(vended)

    def all_there_is(self) -> tuple[dict[str, Database], list[Holding]]:
        records = self.runner.run(self.service.records())
        holdings = self.runner.run(self.service.provider.inventory())
        return {record.id: record for record in records}, list(holdings)

    def tried(self, fate: Fate | None, act: Callable[[Process], Awaitable[T]]) -> T | None:
        """Return the result, or None if the call was refused or a fault occurred."""
        fate = fate or BLOWS["killed"].fate(NEVER)
        try:
            return self.runner.run(_to_the_end(act(troubled(self.service, fate))))
        except PgvendError:
            return None
        except BaseException as error:
            if not (fate.has_struck and isinstance(error, type(fate.error))):
                raise
            return None
        finally:
            self.service.trouble = no_trouble


async def _to_the_end(act: Awaitable[T]) -> T:
    """Wait for the tasks that the call left behind."""
    try:
        return await act
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
