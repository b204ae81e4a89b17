"""Create a template: a frozen copy of a database."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from domain.callers import ANYONE, Caller, Scope
from domain.database import TEMPLATE_SHAPE, Database
from domain.errors import PgvendError, StaleRecord
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import Operation, State
from domain.names import Nickname, PgNames
from domain.passwords import PasswordDeriver
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from domain.templates import is_ready_template, validate_name
from domain.transitions import start_deletion
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry, position_of
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.find_source import FindSource, explain_missing_source, get_source
from ports.use_cases.records import describe_error, draw_nonce, search_all, update_record

INTERRUPTED = "The service stopped while it created the template."


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRequest:
    """`source` names the database to copy; `ends_sessions` ends sessions in it. `is_shared` lets
    all callers use the template."""

    name: str
    source: str
    ends_sessions: bool = False
    is_shared: bool = False
    caller: Caller = ANYONE


@dataclass(frozen=True, kw_only=True)
class CreateTemplate:
    """Copy a database, close the copy, and delete the former templates of the same name.

    The former ones are there until the new one is ready. After an error nothing of the new one is
    left. Where the clean-up fails, the reconciler does it. `report_ready` is called when a template
    has replaced the former ones, so that spares of it can be filled.
    """

    actions: ClassVar = frozenset({ReconcileAction.FINISH_TEMPLATE})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    find_source: FindSource
    delete: DeleteDatabase
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    target: Target
    report_ready: Callable[[], None] = lambda: None

    async def __call__(self, request: TemplateRequest) -> Database:
        """Return the record of the template, ready.

        Raises InvalidRequest for the name, Forbidden to share without the scope admin, what
        `FindSource.find_database` raises, QuotaReached, SourceInUse, and StaleRecord if the
        template was deleted meanwhile.
        """
        if request.is_shared:
            request.caller.check_scope(Scope.ADMIN)
        nickname = validate_name(request.name)
        source = await self.find_source.find_database(request.source, request.caller)
        draft = self._new_record(request, nickname, source)
        async with self.leases.acquire(draft.id):
            template = await self._create(draft, request.caller.quota)
            return await self._try_replace(template)

    async def finish(self, template_id: str) -> bool:
        """Undo a creation that was interrupted, or delete the former templates if the template is
        ready. Return whether this call did so. Idempotent."""
        async with self.leases.acquire(template_id) as is_acquired:
            template = await self.registry.get(template_id)
            if not is_acquired or template.is_idle or template.state is not State.TEMPLATE:
                return False
            if is_ready_template(template):
                await self._replace(template)
            else:
                await self._undo(template_id, INTERRUPTED)
            return True

    async def _create(self, draft: Database, quota: int | None) -> Database:
        """Record, provision and close the template, or undo it."""
        try:
            return await self._freeze(await self.registry.add(draft, quota))
        except BaseException as error:
            await run_to_completion(self._try_undo(draft.id, describe_error(error)))
            if isinstance(error, StaleRecord):
                message = f"The template {draft.id} was deleted while it was being created."
                raise StaleRecord(message) from error
            raise

    async def _freeze(self, template: Database) -> Database:
        source = await get_source(self.registry, template)
        async with explain_missing_source(self.registry, template):
            await self.provider.provision(template.to_provision_request(self.passwords, source))
        copied = template.complete(Operation.PROVISION, self.clock.now())
        template = await self.registry.update(copied.start(Operation.SUSPEND, self.clock.now()))
        await self.provider.suspend(template.tenant)
        closed = template.complete(Operation.SUSPEND, self.clock.now())
        return await self.registry.update(closed.start(Operation.REPLACE, self.clock.now()))

    async def _try_replace(self, template: Database) -> Database:
        """Replace without raising: the template is ready, and the reconciler retries."""
        with suppress(PgvendError):
            return await self._replace(template)
        return template

    async def _replace(self, template: Database) -> Database:
        """Delete the caller's older templates of the same name. Their records change first: a
        template in use is deleted later."""
        former = [
            await update_record(self.registry, older.id, self._start_deletion)
            for older in await self._list_older(template)
        ]
        template = await update_record(self.registry, template.id, self._complete_replacement)
        self.report_ready()
        for each in former:
            with suppress(PgvendError):
                await self.delete.finish(each.id)
        return template

    async def _list_older(self, template: Database) -> Sequence[Database]:
        query = Query(
            caller=template.caller,
            states=frozenset({State.TEMPLATE}),
            target=self.target.name,
            nickname=template.nickname.text,
            before=position_of(template),
        )
        return await search_all(self.registry, query)

    def _start_deletion(self, template: Database) -> Database | None:
        is_open = template.state is State.TEMPLATE
        return start_deletion(template, self.clock.now()) if is_open else None

    def _complete_replacement(self, template: Database) -> Database | None:
        is_open = template.state is State.TEMPLATE and template.is_pending(Operation.REPLACE)
        return template.complete(Operation.REPLACE, self.clock.now()) if is_open else None

    async def _try_undo(self, template_id: str, reason: str) -> None:
        """Undo without raising: the caller gets the original error, and the reconciler retries."""
        with suppress(Exception):
            await self._undo(template_id, reason)

    async def _undo(self, template_id: str, reason: str) -> None:
        """Delete a template that is not ready, and record the reason. One that became ready before
        its answer was lost stays. Where its deletion was requested meanwhile, this delete covers
        parts that were provisioned after that deletion."""

        def abandon(template: Database) -> Database | None:
            is_open = template.state is State.TEMPLATE and not is_ready_template(template)
            return template.abandon(self.clock.now(), reason) if is_open else None

        template = await update_record(self.registry, template_id, abandon)
        if template.state is State.DELETING or template.is_gone:
            await self.delete.complete(template)

    def _new_record(
        self, request: TemplateRequest, nickname: Nickname, source: Database
    ) -> Database:
        now = self.clock.now()
        template_id = new_id(now, self.randomness.entropy(RANDOM_BYTES))
        template = Database(
            id=template_id,
            nickname=nickname,
            names=PgNames.from_id(template_id),
            target=self.target,
            caller=request.caller.name,
            state=State.TEMPLATE,
            shape=TEMPLATE_SHAPE,
            secret=self.passwords.current,
            nonce=draw_nonce(self.randomness),
            source=source.id,
            ends_sessions=request.ends_sessions,
            is_shared=request.is_shared,
            created_at=now,
        )
        return template.start(Operation.PROVISION, now)
