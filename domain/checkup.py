"""What an examination before use finds, and what mends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works, and the operator should know
    FAIL = "fail"  # it does not work, or not as promised
    UNKNOWN = "unknown"  # we may not look, or got no answer


@dataclass(frozen=True, slots=True)
class Mend:
    """A statement of SQL, to be run in that `database` where it matters which; by a superuser, or,
    where there is none to ask, by the admin itself."""

    statement: str
    database: str | None = None
    by_admin: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look showed. `detail` says what it means, and the mend where that is no SQL; it
    never holds a secret."""

    verdict: Verdict
    detail: str
    mends: tuple[Mend, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome for one question, which is known by its `name`."""

    name: str
    outcome: Outcome


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def has_failed(checks: Iterable[Check]) -> bool:
    return any(check.outcome.verdict is Verdict.FAIL for check in checks)
