"""Doctor checks: their outcomes, and the SQL that fixes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, with something the operator should know
    FAIL = "fail"  # does not work, or not as documented
    UNKNOWN = "unknown"  # not permitted to check, or no answer


@dataclass(frozen=True, slots=True)
class Fix:
    """An SQL statement to run in `database` (None: in any), by a superuser; `by_admin` if the admin
    can run it, because the operator has no superuser. `affects_others` if it changes databases,
    roles or settings that are not only pgvend's: then those who use them have to agree."""

    statement: str
    database: str | None = None
    by_admin: bool = False
    affects_others: bool = False

    @property
    def line(self) -> str:
        """The statement as a line of a script: a comment if it affects others."""
        return comment(self.statement) if self.affects_others else self.statement


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a check. `detail` explains it, and the fix if that is not SQL; it never
    contains a secret."""

    verdict: Verdict
    detail: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """A named check and its outcome."""

    name: str
    outcome: Outcome


def comment(line: str) -> str:
    """Return the line of SQL as a comment."""
    return f"-- {line}"


def format_count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def has_failed(checks: Iterable[DoctorCheck]) -> bool:
    return any(check.outcome.verdict is Verdict.FAIL for check in checks)
