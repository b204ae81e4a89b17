"""Whose databases are there: marks tell the installation that made them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from adapters.postgres.sight import Marks
from domain.checkup import Outcome, Verdict, counted

ANY_MARK = "pgvend:"
"""What the marks of all installations begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known without the server: the name of this installation, None before it has one, and
    the ids of the records that live."""

    installation: str | None = None
    recorded: Collection[str] = ()

    def is_ours(self, mark: str) -> bool:
        return self.installation is not None and Marks(self.installation).id_in(mark) is not None


def judged(marks: Iterable[str], known: Known) -> Outcome:
    """What the marks on a server say about the secret and the records we have."""
    marks = list(marks)
    foreign = [mark for mark in marks if not known.is_ours(mark)]
    lost = [mark for mark in foreign if mark.rpartition(":")[2] in known.recorded]
    if lost:
        return Outcome(
            Verdict.FAIL,
            f"{counted(len(lost), 'database')} in our records bear the mark of another "
            "installation: PGVEND_SECRET was lost or changed, and pgvend does not touch what is "
            "not marked as its own. Set the secret that they were made under, as PGVEND_SECRET or "
            "within PGVEND_SECRET_PREVIOUS, before the next start.",
        )
    if foreign:
        names = sorted({mark.split(":")[1] for mark in foreign})
        return Outcome(
            Verdict.WARN,
            f"{counted(len(foreign), 'database')} of {_installations(names)}, left alone. "
            "If no other pgvend works here, they were ours before PGVEND_SECRET changed or the "
            "records were lost: set the old secret again to have them back.",
        )
    return Outcome(Verdict.OK, f"{counted(len(marks), 'database')} of ours, and no others.")


def _installations(names: Collection[str]) -> str:
    return (
        f"another pgvend ({', '.join(names)})" if len(names) == 1 else f"{len(names)} other pgvends"
    )
