"""Random sequences of calls and faults: the service keeps what it answered."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from adapters.memory.contents import EMPTY_SIZE
from adapters.memory.provider import no_fault
from domain.callers import Caller
from domain.database import Database
from domain.errors import PgvendError
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import State
from domain.names import Nickname
from domain.provisioning import InventoryItem, ProvisionRequest, Tenant
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.actions import LIMIT
from tests.support.consistency import STRANGER, assert_consistent, reconcile_once, settle
from tests.support.expectations import AnswerLog, assert_matches_answers
from tests.support.memory_faults import FAULT_KINDS, FaultInjection, Process, create_faulty_process
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN, BOB
from tests.support.provision_requests import deriver

T = TypeVar("T")
OwnedDatabase = tuple[Caller, str]
"""A caller, and the id of its database."""

NEVER = 10_000
"""A moment that no call reaches."""

faults = st.builds(
    lambda kind, at: FAULT_KINDS[kind].fault(at),
    st.sampled_from(list(FAULT_KINDS)),
    st.just(NEVER) | st.integers(1, 16),
)
callers = st.sampled_from([ANN, BOB])
keys = st.sampled_from([None, "one", "two"])
nicknames = st.sampled_from(["Sales", "Stock", "Taken"])
reused = st.sampled_from(["Pull request", "Sales"])
ttls = st.sampled_from([None, HOUR, 30 * HOUR])
jumps = st.sampled_from([-26 * HOUR, -HOUR / 2, HOUR / 100, HOUR / 2, 2 * HOUR, 25 * HOUR])


class ServiceMachine(RuleBasedStateMachine):
    databases: Bundle[OwnedDatabase] = Bundle("databases")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.service = MemoryService(limit=LIMIT, counts={"default": 2})
        self.answers = AnswerLog()
        self.imported: list[str] = []
        self.runner.run(self.service.occupy("Taken"))

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.runner.close()

    @rule(target=databases, caller=callers, key=keys, nickname=nicknames, ttl=ttls, fault=faults)
    def create(
        self,
        caller: Caller,
        key: str | None,
        nickname: str,
        ttl: timedelta | None,
        fault: FaultInjection,
    ) -> Any:
        request = self.create_request(caller, key, nickname, ttl)
        provisioned = self.attempt(
            fault, lambda it: it.memory.create_database(login_check=it.login_check)(request)
        )
        if not provisioned:
            return multiple()
        self.record_answer(request, provisioned.database)
        self.expect_connection(provisioned)
        return caller, provisioned.database.id

    @rule(target=databases, caller=callers, key=keys, nickname=nicknames, fault=faults)
    def provision_request(
        self, caller: Caller, key: str | None, nickname: str, fault: FaultInjection
    ) -> Any:
        request = self.create_request(caller, key, nickname, None)
        requested = self.attempt(fault, lambda it: it.memory.create_database().request(request))
        if not requested:
            return multiple()
        self.record_answer(request, requested)
        return caller, requested.id

    @rule(target=databases, caller=callers, nickname=reused, ttl=ttls, fault=faults)
    def reuse(
        self, caller: Caller, nickname: str, ttl: timedelta | None, fault: FaultInjection
    ) -> Any:
        request = CreateRequest(
            nickname=nickname, ttl=ttl, caller=caller, on_conflict=OnConflict.REUSE
        )
        for record in self.all_records()[0].values():
            if ttl and (record.caller, record.nickname.text) == (caller.name, nickname):
                self.answers.expect_earlier_end(record.id, self.service.clock.now() + ttl)
        reused = self.attempt(
            fault, lambda it: it.memory.reuse_database(login_check=it.login_check)(request)
        )
        self.expect_connection(reused)
        return (caller, reused.database.id) if reused else multiple()

    @rule(owned=databases, fault=faults, is_deletion=st.booleans())
    def finish(self, owned: OwnedDatabase, fault: FaultInjection, is_deletion: bool) -> None:
        def run_to_completion(process: Process) -> Awaitable[bool]:
            if is_deletion:
                return process.memory.deletion().finish(owned[1])
            return process.memory.create_database(login_check=process.login_check).finish(owned[1])

        self.attempt(fault, run_to_completion)

    @rule(owned=databases, fault=faults)
    def rotate(self, owned: OwnedDatabase, fault: FaultInjection) -> None:
        self.answers.expect_rotation(owned[1])
        self.expect_connection(
            self.attempt(fault, lambda it: it.memory.rotate()(owned[1], owned[0]))
        )

    @rule(owned=databases)
    def show_connection(self, owned: OwnedDatabase) -> None:
        self.expect_connection(
            self.attempt(None, lambda it: it.memory.show_connection()(owned[1], owned[0]))
        )

    @rule(owned=databases, ttl=st.sampled_from([HOUR, 30 * HOUR]), fault=faults)
    def extend(self, owned: OwnedDatabase, ttl: timedelta, fault: FaultInjection) -> None:
        self.answers.expect_earlier_end(owned[1], self.service.clock.now() + ttl)
        request = ChangeRequest(ttl=ttl)
        extended = self.attempt(fault, lambda it: it.memory.change()(owned[1], request, owned[0]))
        if extended:
            self.answers.expect_end(extended)

    @rule(owned=databases, ttl=ttls, fault=faults)
    def restore(self, owned: OwnedDatabase, ttl: timedelta | None, fault: FaultInjection) -> None:
        self.expect_connection(
            self.attempt(fault, lambda it: it.memory.restore()(owned[1], ttl, owned[0]))
        )

    @rule(owned=databases, fault=faults)
    def delete(self, owned: OwnedDatabase, fault: FaultInjection) -> None:
        self.answers.expect_deletion(owned[1])
        if self.attempt(fault, lambda it: it.memory.deletion().request(owned[1], owned[0])):
            self.answers.expect_deleted(owned[1])

    @rule(jump=jumps)
    def advance_clock(self, jump: timedelta) -> None:
        self.service.clock.moment += jump

    @rule(fault=faults)
    def reconcile(self, fault: FaultInjection) -> None:
        self.answers.mark_expired(self.service.clock.now())
        self.attempt(fault, lambda it: it.memory.reconcile(GRACE, login_check=it.login_check)())

    @rule(fault=faults)
    def maintain_spares(self, fault: FaultInjection) -> None:
        self.attempt(fault, lambda it: it.memory.maintain_spares(it.login_check)())

    @rule(owned=databases, size=st.sampled_from([EMPTY_SIZE, LIMIT.size, 2 * LIMIT.size]))
    def set_size(self, owned: OwnedDatabase, size: int) -> None:
        self.service.provider.set_size(owned[1], size)

    @rule()
    def reconcile_in_a_dry_run(self) -> None:
        before = self.all_records()
        self.runner.run(reconcile_once(self.service, GRACE, dry_run=True))
        assert self.all_records() == before

    @rule()
    def provision_unrecorded(self) -> None:
        """Provision a database with our mark that another registry recorded."""
        database_id = new_id(
            self.service.clock.now() - 9000 * HOUR, self.service.randomness.entropy(RANDOM_BYTES)
        )
        names = Nickname(f"Lost {len(self.imported)}").derive_names()
        provision_request = ProvisionRequest(
            tenant=Tenant(database_id, names), password=deriver(database_id, 0)
        )
        self.runner.run(self.service.provider.provision(provision_request))
        self.imported.append(database_id)

    @rule()
    def settle(self) -> None:
        self.runner.run(settle(self.service, GRACE))
        self.answers.mark_expired(self.service.clock.now())
        self.runner.run(assert_consistent(self.service, GRACE))
        records, items = self.all_records()
        assert InventoryItem(id=STRANGER, database="taken", owner="user_taken") in items
        assert all(records[database_id].state is State.READY for database_id in self.imported)
        for database_id, expected in self.answers.expected.items():
            is_accepted = expected.connection and self.service.provider.accepts(expected.connection)
            assert_matches_answers(expected, records[database_id], is_accepted=bool(is_accepted))

    def create_request(
        self, caller: Caller, key: str | None, nickname: str, ttl: timedelta | None
    ) -> CreateRequest:
        """Check that a key always returns the same database."""
        if key is None:
            return CreateRequest(nickname=nickname, ttl=ttl, caller=caller)
        self.answers.forget_outdated_key(caller.name, key, self.service.clock.now())
        return CreateRequest(nickname=key, ttl=30 * HOUR, key=key, caller=caller)

    def record_answer(self, request: CreateRequest, database: Database) -> None:
        if request.key:
            self.answers.check_key_answer(request.caller.name, request.key, database)

    def expect_connection(self, provisioned: ProvisionedDatabase | None) -> None:
        if provisioned:
            assert self.service.provider.accepts(provisioned.connection), provisioned
            self.answers.expect_connection(provisioned)

    def all_records(self) -> tuple[dict[str, Database], list[InventoryItem]]:
        records = self.runner.run(self.service.records())
        items = self.runner.run(self.service.provider.inventory())
        return {record.id: record for record in records}, list(items)

    def start_process(self, fault: FaultInjection) -> Process:
        """Start a process that claims spares at once."""
        process = create_faulty_process(self.service, fault)
        process.memory.pool.mark_compared(())
        return process

    def attempt(
        self, fault: FaultInjection | None, action: Callable[[Process], Awaitable[T]]
    ) -> T | None:
        """Return the result, or None if the call was refused or a fault occurred."""
        fault = fault or FAULT_KINDS["killed"].fault(NEVER)
        try:
            return self.runner.run(_run_to_the_end(action(self.start_process(fault))))
        except PgvendError:
            return None
        except BaseException as error:
            if not (fault.has_failed and isinstance(error, type(fault.error))):
                raise
            return None
        finally:
            self.service.fault_hook = no_fault


async def _run_to_the_end(action: Awaitable[T]) -> T:
    """Wait for the tasks that the call left behind."""
    try:
        return await action
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


TestService = ServiceMachine.TestCase
TestService.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
