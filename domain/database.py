"""Our record about one database, and what may become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.caller import ANYONE
from domain.errors import IllegalTransition, InFlight, OtherTarget
from domain.naming import Names, Nickname
from domain.order import Order, Tenant
from domain.passwords import PasswordDeriver
from domain.request import RequestMark
from domain.states import GONE, LEFT_TO_DO, LEGAL, State
from domain.steps import AT_ONCE, LONGEST_HISTORY, Step, StepState, Work, pause_after
from domain.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The record: a value; every change makes a new one, which the registry accepts or refuses.

    `promised` says that its caller can come back for it, so that a crash does not undo it;
    `suffixable`, that a suffix may be put to its names where they are taken. `wake_at` is when the
    sweep has to look at it, None for never; `failures` counts those in a row of the work that is
    going on. `secret` is the name of the one that its password comes from; empty for the first that
    there was. `nonce` is random, and another one for each password; empty for passwords of releases
    that drew none. `version` is the registry's: it counts the accepted changes.
    """

    id: str
    nickname: Nickname
    names: Names
    target: Target
    caller: str = ANYONE.name
    request: RequestMark | None = None
    promised: bool = False
    suffixable: bool = True
    state: State = State.PROVISIONING
    labels: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    created_at: datetime
    expires_at: datetime | None = None
    rotation: int = 0
    secret: str = ""
    nonce: str = ""
    history: tuple[Step, ...] = ()
    wake_at: datetime | None = None
    failures: int = 0
    version: int = 0

    @property
    def tenant(self) -> Tenant:
        return Tenant(id=self.id, names=self.names)

    @property
    def is_gone(self) -> bool:
        return self.state in GONE

    @property
    def is_lost(self) -> bool:
        """Whether it is gone without our having dropped it."""
        return self.state is State.DELETED and self._latest(Work.DELETE) is None

    @property
    def changed_at(self) -> datetime:
        """When something was last begun or done for it: what only fails, again and again, changes
        nothing."""
        steps = (step for step in reversed(self.history) if step.state is not StepState.FAILED)
        return next((step.at for step in steps), self.created_at)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The latest step of each work, in the order in which the works first began."""
        return tuple({step.name: step for step in self.history}.values())

    def is_pending(self, work: Work) -> bool:
        """Whether that work has begun and is not done."""
        return self._latest(work) in {StepState.RUNNING, StepState.FAILED}

    def is_failed(self, work: Work) -> bool:
        return self._latest(work) is StepState.FAILED

    @property
    def was_given_up(self) -> bool:
        """Whether it never was ready, because its making failed."""
        return self.is_failed(Work.PROVISION) or self.is_failed(Work.VERIFY)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is going on, and nothing will before its end or its caller's wish."""
        return self.state in LEFT_TO_DO and not self._has_work

    def order(self, passwords: PasswordDeriver) -> Order:
        """What the provider is asked for."""
        password = passwords(self.id, self.rotation, self.secret, self.nonce)
        return Order(tenant=self.tenant, password=password, extensions=self.extensions)

    def rotated(self, passwords: PasswordDeriver, nonce: str) -> "Database":
        """Return the same database with its next password."""
        return replace(self.rekeyed(passwords, nonce), rotation=self.rotation + 1)

    def rekeyed(self, passwords: PasswordDeriver, nonce: str) -> "Database":
        """Return the same database with another password, which comes from the current secret and
        a new nonce. Use it for a password that was never handed out, or that nobody can derive."""
        return replace(self, secret=passwords.current, nonce=nonce)

    def is_over(self, now: datetime) -> bool:
        """Whether its time has come, whatever has been done about it yet."""
        return self.expires_at is not None and self.expires_at <= now

    def check_usable(self, now: datetime) -> None:
        """Raises InFlight while it is being made, and IllegalTransition unless it is ready and its
        time has not come."""
        if self.state is State.PROVISIONING:
            raise InFlight(f"Database {self.id} is being made; repeat it soon.")
        if self.state is not State.READY or self.is_over(now):
            state = State.EXPIRED if self.state is State.READY else self.state
            raise IllegalTransition(f"Database {self.id} is {state}, not ready.")

    def check_known(self, now: datetime) -> None:
        """Raises as `check_usable` does, and InFlight while nobody can say which password holds."""
        self.check_usable(now)
        if self.is_pending(Work.ROTATE):
            raise InFlight("The password is being changed: ask again, or repeat the rotation.")

    def check_target(self, target: Target) -> None:
        """Raises OtherTarget when it was made elsewhere: what is said there means nothing here."""
        if self.target.name != target.name:
            raise OtherTarget(
                f"Database {self.id} was made on {self.target.name!r}, and this service works on "
                f"{target.name!r} now; set its provider back to reach it."
            )

    def moved(self, state: State) -> "Database":
        """The same database in another state. Raises IllegalTransition."""
        if state not in LEGAL[self.state]:
            raise IllegalTransition(
                f"Database {self.id} is {self.state} and cannot become {state}."
            )
        return replace(self, state=state)

    def renamed(self, names: Names) -> "Database":
        """The same database under other names; what there is under the former ones is to be dropped
        first. Raises IllegalTransition unless it is being made."""
        if self.state is not State.PROVISIONING:
            raise IllegalTransition(f"Database {self.id} is {self.state} and keeps its names.")
        return replace(self, names=names)

    def lost(self) -> "Database":
        """The same database, which is not where it was, though nobody asked for its end. Raises
        IllegalTransition."""
        return replace(self.moved(State.DELETING).moved(State.DELETED), wake_at=None)

    def found_again(self, names: Names) -> "Database":
        """The same database, which was lost and has turned up with all that is in it; not a legal
        transition, for it never was gone."""
        found = replace(self, state=State.READY, names=names)
        return found._waking(AT_ONCE if found._has_work else None)

    def found_as(self, names: Names) -> "Database":
        """The same database, which somebody renamed on its server."""
        return replace(self, names=names)

    @property
    def latest_extension(self) -> str:
        """The one that was asked for last; empty where none was."""
        return self.extensions[-1] if self.extensions else ""

    def with_extension(self, name: str) -> "Database":
        """The same database with that extension as its latest."""
        return replace(self, extensions=(*self.without_extension(name).extensions, name))

    def without_extension(self, name: str) -> "Database":
        return replace(self, extensions=tuple(each for each in self.extensions if each != name))

    def extended(self, expires_at: datetime | None) -> "Database":
        """The same database, which is ready, with another end."""
        return replace(self, expires_at=expires_at)._waking(
            self.wake_at if self._has_work else None
        )

    def began(self, work: Work, at: datetime) -> "Database":
        """The same database with that work begun: from now on somebody has to finish it."""
        return replace(self._with_step(work, StepState.RUNNING, at), wake_at=AT_ONCE, failures=0)

    def did(self, work: Work, at: datetime, wake_at: datetime | None = None) -> "Database":
        """The same database with that work done; nobody has to look at it before `wake_at`, or
        before its end, unless more has begun."""
        done = replace(self._with_step(work, StepState.DONE, at), failures=0)
        return done._waking(AT_ONCE if done._has_work else wake_at)

    def missed(self, work: Work, at: datetime, error: str) -> "Database":
        """The same database whose work failed, to be tried again after a longer pause each time."""
        failures = self.failures + 1
        database = self._with_step(work, StepState.FAILED, at, error)
        return replace(database, failures=failures)._waking(at + pause_after(failures))

    def given_up(self, at: datetime, error: str) -> "Database":
        """The same database, not made and to be dropped, with what kept it from being made. The
        same request, asked again, makes a new one."""
        database = replace(self, request=None)
        for step in self.steps:
            if step.state is StepState.RUNNING:
                database = database._with_step(Work(step.name), StepState.FAILED, at, error)
        return database.moved(State.DELETING).began(Work.DELETE, at)

    def dropped(self, at: datetime) -> "Database":
        """The same database, of which nothing is left: deleted, or failed if it never was made."""
        state = State.FAILED if self.was_given_up else State.DELETED
        return self.moved(state).did(Work.DELETE, at)

    @property
    def _has_work(self) -> bool:
        """Whether something has begun and is to be finished in the state that it is in."""
        return any(map(self.is_pending, LEFT_TO_DO.get(self.state, ())))

    def _waking(self, at: datetime | None) -> "Database":
        """A ready one has to be looked at when it ends, whatever else is to be done."""
        ends = self.expires_at if self.state is State.READY else None
        return replace(self, wake_at=min(filter(None, (at, ends)), default=None))

    def _with_step(self, work: Work, state: StepState, at: datetime, error: str = "") -> "Database":
        number = self.history[-1].number + 1 if self.history else 1
        step = Step(number, work.value, state, at, error)
        return replace(self, history=_shortened((*self.history, step)))

    def _latest(self, work: Work) -> StepState | None:
        return next((step.state for step in reversed(self.history) if step.name == work), None)


def _shortened(history: tuple[Step, ...]) -> tuple[Step, ...]:
    """Without the oldest step that is not the latest of its work, once there are too many."""
    if len(history) <= LONGEST_HISTORY:
        return history
    latest = {step.name: step.number for step in history}
    place = next(i for i, step in enumerate(history) if step.number != latest[step.name])
    return history[:place] + history[place + 1 :]
