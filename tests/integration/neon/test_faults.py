"""Every call that changes something on Neon, times everything that may befall it."""

import os
from collections.abc import Mapping

import pytest

from tests.support.neon.fault_matrix import CALLS, FAULTS, WHILE, Cell, cells
from tests.support.neon.trials import PROMISED, Results, results_of
from tests.support.service import REPOSITORY

pytestmark = pytest.mark.timeout(900)  # the first test waits for all cells

CELLS = tuple(cells())

PAGE = REPOSITORY / "docs" / "providers" / "neon-faults.md"

UPDATE = "UPDATE_DOCS"
"""The environment variable that has the page written instead of compared."""

HEAD = f"""\
# What a caller gets when Neon fails

This page is written by the tests, and they fail while it differs from what they see:
`{UPDATE}=1 make test-all ARGS=tests/integration/neon/test_faults.py` makes it anew.

Every call by which pgvend changes something on Neon is broken in every way below, in the middle of
a whole vend, rotation or deletion with the service's usual retries: against the emulator, not
against Neon itself. The cell says what the caller gets: something that **works**, proven by a
login, or the code of an error. In every cell, whichever it is:

- what works is there once, in Neon's lists, in PostgreSQL and in pgvend's inventory;
- what failed has left nothing, or, where the code has a{PROMISED}, its record is `deleting` and
  promises to drop it; asked again once the fault is over, that leaves nothing;
- a rotation that failed leaves the database, and works when it is asked again;
- other tenants, and what others made in the same account, are as before;
- neither the error nor the log holds a password or a key.

*Done* means that Neon did what it was asked and the answer did not arrive as it should. *For a
while* is {WHILE} times. A dash stands where the fault cannot happen.
"""


@pytest.fixture(scope="module")
async def results(request: pytest.FixtureRequest) -> Results:
    """Of the cells that this run asks for."""
    items = [item for item in request.session.items if item.path == request.path]
    asked_for = {item.callspec.params["cell"] for item in items if hasattr(item, "callspec")}
    results = await results_of([cell for cell in CELLS if cell in asked_for])
    if os.environ.get(UPDATE):
        told = {cell: result for cell, result in results.items() if isinstance(result, str)}
        PAGE.write_text(_page(_documented() | told))
    return results


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_a_broken_call_ends_in_what_works_or_in_a_clean_error_as_documented(
    results: Results, cell: Cell
) -> None:
    """What both mean is in `tests/support/neon/trials.py`."""
    result = results[cell]
    if isinstance(result, Exception):
        raise result
    assert result == _documented()[cell], f"make the page anew with {UPDATE}=1"


def test_the_page_has_a_row_for_each_fault_and_a_column_for_each_call() -> None:
    documented = _documented()

    assert PAGE.read_text() == _page(documented), f"make it anew with {UPDATE}=1"
    assert documented.keys() == set(cells())


def _page(results: Mapping[Cell, str]) -> str:
    titles = ("", *(f"{call.title} (`{call.isolation}`)" for call in CALLS))
    rows = [
        (fault.title, *(results.get(Cell(call, fault), "-") for call in CALLS)) for fault in FAULTS
    ]
    table = (titles, ("---",) * len(titles), *rows)
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in table), ""])


def _documented() -> dict[Cell, str]:
    """What the page says of each cell."""
    page = PAGE.read_text() if PAGE.exists() else ""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    said = {row[0]: row[1:] for row in rows}
    return {
        Cell(call, fault): result
        for fault in FAULTS
        for call, result in zip(CALLS, said.get(fault.title, ()), strict=False)
        if result != "-"
    }
