"""Marks, which show the installation that created a database."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from adapters.postgres.inspection import Marks
from domain.doctor import Outcome, Verdict, format_count

ANY_MARK = "pgvend:"
"""Prefix of the marks of all installations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalState:
    """Facts that pgvend knows without the server: the name of this installation, None before it has
    one, and the ids of the live records."""

    installation: str | None = None
    record_ids: Collection[str] = ()

    def is_ours(self, mark: str) -> bool:
        return (
            self.installation is not None
            and Marks(self.installation).id_from_mark(mark) is not None
        )


def judge_marks(marks: Iterable[str], local_state: LocalState) -> Outcome:
    """Compare the marks on a server with pgvend's secret and records."""
    marks = list(marks)
    foreign = [mark for mark in marks if not local_state.is_ours(mark)]
    lost = [mark for mark in foreign if mark.rpartition(":")[2] in local_state.record_ids]
    if lost:
        return Outcome(
            Verdict.FAIL,
            f"{format_count(len(lost), 'database')} in the records bear the mark of another "
            "installation: PGVEND_SECRET was lost or changed, and pgvend only modifies databases "
            "with its own mark. Before the next start, set the secret with which they were "
            "created, as PGVEND_SECRET or in PGVEND_SECRET_PREVIOUS.",
        )
    if foreign:
        names = sorted({mark.split(":")[1] for mark in foreign})
        return Outcome(
            Verdict.WARN,
            f"{format_count(len(foreign), 'database')} of {_installations(names)}, left unchanged. "
            "If no other pgvend uses this server, they were created before PGVEND_SECRET changed "
            "or the records were lost: set the old secret again to manage them.",
        )
    return Outcome(
        Verdict.OK, f"{format_count(len(marks), 'database')} of this pgvend, and none of others."
    )


def _installations(names: Collection[str]) -> str:
    return (
        f"another pgvend ({', '.join(names)})" if len(names) == 1 else f"{len(names)} other pgvends"
    )
