"""Our record about one database: its states and the legal ways between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.errors import IllegalTransition
from domain.naming import Names
from domain.order import Tenant


class State(StrEnum):
    PROVISIONING = "provisioning"
    READY = "ready"
    FAILED = "failed"  # nothing of it is left
    EXPIRED = "expired"
    RETIRING = "retiring"  # to be dropped, and perhaps half dropped
    RETIRED = "retired"


LEGAL: Mapping[State, frozenset[State]] = {
    State.PROVISIONING: frozenset({State.READY, State.FAILED, State.RETIRING}),
    State.READY: frozenset({State.EXPIRED, State.RETIRING}),
    State.EXPIRED: frozenset({State.READY, State.RETIRING}),
    State.FAILED: frozenset(),
    State.RETIRING: frozenset({State.RETIRED}),
    State.RETIRED: frozenset(),
}

GONE = frozenset({State.FAILED, State.RETIRED})
"""Nothing exists on the provider any more, and the names are free again."""


class Isolation(StrEnum):
    """What separates two tenants."""

    NONE = "none"
    ROLE = "role"
    BRANCH = "branch"
    PROJECT = "project"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One configured place that databases are made in."""

    name: str
    provider: str
    isolation: Isolation


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done for a database: `provision`, `verify`, `retire`."""

    name: str
    state: StepState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The record: a value; every change makes a new one, which the registry accepts or refuses.

    `version` is the registry's: it counts the accepted changes.
    """

    id: str
    nickname: str
    names: Names
    target: Target
    state: State = State.PROVISIONING
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    created_at: datetime
    expires_at: datetime | None = None
    rotation: int = 0
    steps: tuple[Step, ...] = ()
    version: int = 0

    @property
    def tenant(self) -> Tenant:
        return Tenant(id=self.id, names=self.names)

    @property
    def is_gone(self) -> bool:
        return self.state in GONE

    def moved(self, state: State) -> "Database":
        """The same database in another state. Raises IllegalTransition."""
        if state not in LEGAL[self.state]:
            raise IllegalTransition(
                f"Database {self.id} is {self.state} and cannot become {state}."
            )
        return replace(self, state=state)

    def renamed(self, names: Names) -> "Database":
        """The same database under other names; only possible while nothing of it exists."""
        if self.state is not State.PROVISIONING:
            raise IllegalTransition(f"Database {self.id} is {self.state} and keeps its names.")
        return replace(self, names=names)

    def with_step(self, name: str, state: StepState, at: datetime) -> "Database":
        """The same database with that step's latest state; steps stand as they began."""
        step = Step(name, state, at)
        if any(known.name == name for known in self.steps):
            steps = tuple(step if known.name == name else known for known in self.steps)
        else:
            steps = (*self.steps, step)
        return replace(self, steps=steps)

    def with_running_steps_failed(self, at: datetime) -> "Database":
        """The same database, whose steps that had begun and not ended have failed."""
        steps = tuple(
            Step(step.name, StepState.FAILED, at) if step.state is StepState.RUNNING else step
            for step in self.steps
        )
        return replace(self, steps=steps)
