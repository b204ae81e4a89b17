"""The record of one database, and its transitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from domain.callers import ANYONE
from domain.errors import IllegalTransition
from domain.idempotency import IdempotencyKey
from domain.lifecycle import (
    DUE_NOW,
    GONE,
    RESUMABLE_OPERATIONS,
    TRANSITIONS,
    Operation,
    State,
    Step,
    StepState,
    calculate_pause,
    trim_history,
)
from domain.names import Nickname, PgNames
from domain.passwords import PasswordDeriver
from domain.provisioning import Confirm, ProvisionRequest, Tenant, confirm_always
from domain.targets import Target

TEMPLATE_SHAPE = "template"
"""The `shape` of the record of a template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The record of a database: a value. Each change returns a new one, which the registry accepts
    or rejects.

    `resumable` means that the caller can ask for the database again, so that an interrupted
    creation is finished and not undone. `suffixable` means that the names may get a suffix if they
    are taken. `wake_at` is the time of the next reconciliation, None for never. `failures` counts
    the consecutive failures of the pending operation. `secret` is the name of the secret that the
    password is derived from; empty for the first secret. `nonce` is random for each password; empty
    for passwords of early releases. `source` is the id of the database or template that this one is
    a copy of; empty for none. `shape` is a digest of the settings that shaped a spare, the constant
    TEMPLATE_SHAPE for a template, and empty for a caller's database. `ends_sessions` lets the copy
    end sessions in its source. `is_shared` lets all callers copy a template. `export` is the
    name of the file to which the database was exported before its deletion; empty for none.
    `version` belongs to the registry: it counts the accepted changes.
    """

    id: str
    nickname: Nickname
    names: PgNames
    target: Target
    caller: str = ANYONE.name
    idempotency_key: IdempotencyKey | None = None
    resumable: bool = False
    suffixable: bool = True
    state: State = State.PROVISIONING
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    created_at: datetime
    expires_at: datetime | None = None
    rotation: int = 0
    secret: str = ""
    nonce: str = ""
    source: str = ""
    shape: str = ""
    ends_sessions: bool = False
    is_shared: bool = False
    export: str = ""
    history: tuple[Step, ...] = ()
    wake_at: datetime | None = None
    failures: int = 0
    version: int = 0

    @property
    def tenant(self) -> Tenant:
        return Tenant(id=self.id, names=self.names, is_spare=self.is_spare)

    @property
    def is_spare(self) -> bool:
        """Return whether this is the record of a spare that was not claimed, in any state."""
        return self.is_internal and not self.is_template

    @property
    def is_template(self) -> bool:
        """Return whether this is the record of a template, in any state."""
        return self.shape == TEMPLATE_SHAPE

    @property
    def is_internal(self) -> bool:
        """Return whether this is not the record of a caller's database."""
        return bool(self.shape)

    @property
    def has_opaque_names(self) -> bool:
        """Return whether the names in PostgreSQL come from the id, and not from the nickname."""
        return self.names == PgNames.from_id(self.id)

    @property
    def is_gone(self) -> bool:
        return self.state in GONE

    @property
    def is_missing(self) -> bool:
        """Return whether the database disappeared without a delete operation."""
        return self.state is State.DELETED and self._latest_state(Operation.DELETE) is None

    @property
    def changed_at(self) -> datetime:
        """The time of the last step that did not fail: repeated failures are not changes."""
        steps = (step for step in reversed(self.history) if step.state is not StepState.FAILED)
        return next((step.at for step in steps), self.created_at)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The latest step of each operation, in the order in which the operations first started."""
        return tuple({step.name: step for step in self.history}.values())

    def is_pending(self, operation: Operation) -> bool:
        """Return whether the operation has started and is not completed."""
        return self._latest_state(operation) in {StepState.RUNNING, StepState.FAILED}

    def is_failed(self, operation: Operation) -> bool:
        return self._latest_state(operation) is StepState.FAILED

    @property
    def restorable_until(self) -> datetime | None:
        """The time until which an expired database can be restored; afterwards it is deleted."""
        return self.wake_at if self.state is State.EXPIRED and self.is_idle else None

    @property
    def was_abandoned(self) -> bool:
        """Return whether provisioning failed before the database was ready."""
        return self.is_failed(Operation.PROVISION) or self.is_failed(Operation.VERIFY)

    @property
    def is_idle(self) -> bool:
        """Return whether no operation is pending. The next change is the expiry or a request."""
        return self.state in RESUMABLE_OPERATIONS and not self._has_pending_operation

    def to_provision_request(
        self,
        passwords: PasswordDeriver,
        source: Tenant | None = None,
        confirm: Confirm = confirm_always,
        *,
        claims: bool = False,
    ) -> ProvisionRequest:
        """Return the request to the provider for this database. `source` is the tenant of the
        record with the id `source`, if there is one. With `claims`, it claims the spare of this
        id."""
        password = passwords(self.id, self.rotation, self.secret, self.nonce)
        return ProvisionRequest(
            tenant=self.tenant,
            password=password,
            extensions=self.extensions,
            source=source,
            ends_sessions=self.ends_sessions,
            claims=claims,
            confirm=confirm,
        )

    def with_next_password(self, passwords: PasswordDeriver, nonce: str) -> "Database":
        """Return the record with its next password."""
        return replace(self.with_new_password(passwords, nonce), rotation=self.rotation + 1)

    def with_new_password(self, passwords: PasswordDeriver, nonce: str) -> "Database":
        """Return the record with another password, derived from the current secret and a new nonce.
        Use it for a password that was never handed out, or whose secret is not configured."""
        return replace(self, secret=passwords.current, nonce=nonce)

    def is_past_expiry(self, now: datetime) -> bool:
        """Return whether the expiry has passed, in whatever state the database is."""
        return self.expires_at is not None and self.expires_at <= now

    def transition_to(self, state: State) -> "Database":
        """Return the record in another state. Raises IllegalTransition."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalTransition(
                f"Database {self.id} is {self.state} and cannot become {state}."
            )
        return replace(self, state=state)

    def rename(self, names: PgNames) -> "Database":
        """Return the record with other names; drop what exists under the former names first. Raises
        IllegalTransition unless the database is provisioning."""
        if self.state is not State.PROVISIONING:
            raise IllegalTransition(f"Database {self.id} is {self.state} and keeps its names.")
        return replace(self, names=names)

    def mark_missing(self) -> "Database":
        """Return the record of a database that disappeared without a request to delete it. Raises
        IllegalTransition."""
        return replace(
            self.transition_to(State.DELETING).transition_to(State.DELETED), wake_at=None
        )

    def mark_found(self, names: PgNames) -> "Database":
        """Return the record of a missing database or template that was found with its data. This is
        not one of the legal transitions, because the database was never deleted."""
        state = State.TEMPLATE if self.is_template else State.READY
        found = replace(self, state=state, names=names)
        return found._with_wake_at(DUE_NOW if found._has_pending_operation else None)

    def accept_rename(self, names: PgNames) -> "Database":
        """Return the record with the names that someone gave the database on its server."""
        return replace(self, names=names)

    @property
    def latest_extension(self) -> str:
        """The extension that was requested last; empty if none was."""
        return self.extensions[-1] if self.extensions else ""

    def with_extension(self, name: str) -> "Database":
        """Return the record with that extension as its latest."""
        return replace(self, extensions=(*self.without_extension(name).extensions, name))

    def without_extension(self, name: str) -> "Database":
        return replace(self, extensions=tuple(each for each in self.extensions if each != name))

    def with_expiry(self, expires_at: datetime | None) -> "Database":
        """Return the record of a ready database with another expiry."""
        return replace(self, expires_at=expires_at)._with_wake_at(
            self.wake_at if self._has_pending_operation else None
        )

    def start(self, operation: Operation, at: datetime) -> "Database":
        """Return the record with the operation started: reconciliation finishes it if needed."""
        return self._with_step(operation, StepState.RUNNING, at, wake_at=DUE_NOW, failures=0)

    def complete(
        self, operation: Operation, at: datetime, wake_at: datetime | None = None
    ) -> "Database":
        """Return the record with the operation completed. Reconciliation is due at `wake_at`, at
        the expiry, or now if another operation is pending."""
        done = self._with_step(operation, StepState.DONE, at, failures=0)
        return done._with_wake_at(DUE_NOW if done._has_pending_operation else wake_at)

    def fail(self, operation: Operation, at: datetime, error: str) -> "Database":
        """Return the record with the operation failed, to be retried after a longer pause each
        time."""
        failures = self.failures + 1
        database = self._with_step(operation, StepState.FAILED, at, error, failures=failures)
        return database._with_wake_at(at + calculate_pause(failures))

    def abandon(self, at: datetime, error: str) -> "Database":
        """Return the record of a database that could not be provisioned, to be deleted, with the
        error. The same request, repeated, creates a new database."""
        database = replace(self, idempotency_key=None)
        for step in self.steps:
            if step.state is StepState.RUNNING:
                database = database._with_step(Operation(step.name), StepState.FAILED, at, error)
        return database.transition_to(State.DELETING).start(Operation.DELETE, at)

    def finish_deletion(self, at: datetime) -> "Database":
        """Return the record with nothing left on the server: deleted, or failed if it never was
        ready."""
        state = State.FAILED if self.was_abandoned else State.DELETED
        return self.transition_to(state).complete(Operation.DELETE, at)

    @property
    def _has_pending_operation(self) -> bool:
        """Return whether an operation is pending that the current state allows to finish."""
        return any(map(self.is_pending, RESUMABLE_OPERATIONS.get(self.state, ())))

    def _with_wake_at(self, at: datetime | None) -> "Database":
        """Return the record with that time of its next reconciliation, at the latest its expiry."""
        expiry = self.expires_at if self.state is State.READY else None
        return replace(self, wake_at=min(filter(None, (at, expiry)), default=None))

    def _with_step(
        self, operation: Operation, state: StepState, at: datetime, error: str = "", **changes: Any
    ) -> "Database":
        number = self.history[-1].number + 1 if self.history else 1
        step = Step(number, operation.value, state, at, error)
        return replace(self, history=trim_history((*self.history, step)), **changes)

    def _latest_state(self, operation: Operation) -> StepState | None:
        return next((step.state for step in reversed(self.history) if step.name == operation), None)
