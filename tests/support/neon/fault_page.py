"""The fault matrix as a page of the documentation."""

from collections.abc import Iterator

from tests.support.neon.fault_matrix import CALLS, TROUBLES, WHILE, Cell, Trouble
from tests.support.neon.trials import PROMISED, Results
from tests.support.service import REPOSITORY

PAGE = REPOSITORY / "docs" / "neon-faults.md"

UPDATE = "UPDATE_DOCS"
"""The environment variable that has the page written instead of compared."""

_HEAD = f"""\
# What a caller gets when Neon fails

This page is written by the tests: `{UPDATE}=1 make test ARGS=tests/integration/neon/test_faults.py`
makes it anew, and the same tests fail while it differs from what they see.

Every call by which pgvend changes something on Neon is broken in every way below, in the middle of
a whole vend, rotation or retirement with the service's usual retries: against the emulator, not
against Neon itself. The cell says what the caller gets: something that **works**, proven by a
login, or the code of an error. In every cell, whichever it is:

- what works is there once, in Neon's lists, in PostgreSQL and in pgvend's inventory;
- what failed has left nothing, or, where the code has a{PROMISED}, its record is `retiring` and
  promises to drop it; asked again once the fault is over, that leaves nothing;
- a rotation that failed leaves the database, and works when it is asked again;
- other tenants, and what others made in the same account, are as before;
- neither the error nor the log holds a password or a key.

*Done* means that Neon did what it was asked and the answer did not arrive as it should. *For a
while* is {WHILE} times. A dash stands where the fault cannot happen.
"""


def page(results: Results) -> str:
    return "\n".join([_HEAD, *_table(results), ""])


def _table(results: Results) -> Iterator[str]:
    yield _row("", *(f"{call.title} (`{call.isolation}`)" for call in CALLS))
    yield _row("---", *("---" for _ in CALLS))
    for trouble in TROUBLES:
        yield _row(trouble.title, *_said(results, trouble))


def _said(results: Results, trouble: Trouble) -> Iterator[str]:
    for call in CALLS:
        result = results.get(Cell(call, trouble), "-")
        yield result if isinstance(result, str) else "broken"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def kept_page() -> str:
    return PAGE.read_text() if PAGE.exists() else ""


def keep_page(text: str) -> None:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)
