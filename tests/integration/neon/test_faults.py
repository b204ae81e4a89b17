"""Every call that changes something on Neon, combined with every fault."""

import os
from collections.abc import Mapping

import pytest

from tests.support.neon.fault_matrix import CALLS, FAULTS, REPEATED_TIMES, Cell, cells
from tests.support.neon.fault_trials import DELETION_PENDING, Results, run_cells
from tests.support.service import REPOSITORY

pytestmark = pytest.mark.timeout(900)  # the first test waits for all cells

CELLS = tuple(cells())

PAGE = REPOSITORY / "docs" / "providers" / "neon-faults.md"

UPDATE = "UPDATE_DOCS"
"""The environment variable that rewrites the page instead of comparing it."""

HEAD = f"""\
# Results when Neon fails

The tests generate this page and fail if it differs from their results. To update it, run
`{UPDATE}=1 make test-all ARGS=tests/integration/neon/test_faults.py`.

The tests apply every fault below to every call with which pgvend changes something on Neon, during
a whole creation, rotation or deletion with the service's usual retries. They use the emulator, not
Neon itself. A cell shows the caller's result: **works**, which a login proves, or the code of an
error. Every cell guarantees:

- after a success, the database exists once in Neon's lists, in PostgreSQL and in pgvend's
  inventory;
- after an error, nothing remains; or, if the code has a{DELETION_PENDING}, the record is
  `deleting`, and a deletion after the fault has ended leaves nothing;
- a failed rotation keeps the database, and a repeated rotation works;
- other tenants and objects of other clients in the same account are unchanged;
- neither the error nor the log contains a password or a key.

*Done* means that Neon made the change but its response did not arrive correctly. *For a while*
means {REPEATED_TIMES} times. A dash marks an impossible combination.
"""


@pytest.fixture(scope="module")
async def results(request: pytest.FixtureRequest) -> Results:
    """The results of the cells that this run selects."""
    items = [item for item in request.session.items if item.path == request.path]
    selected = {item.callspec.params["cell"] for item in items if hasattr(item, "callspec")}
    results = await run_cells([cell for cell in CELLS if cell in selected])
    if os.environ.get(UPDATE):
        new = {cell: result for cell, result in results.items() if isinstance(result, str)}
        PAGE.write_text(_render_page(_read_page() | new))
    return results


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_a_fault_has_the_documented_result(results: Results, cell: Cell) -> None:
    """`tests/support/neon/fault_trials.py` checks the guarantees of the page."""
    result = results[cell]
    if isinstance(result, Exception):
        raise result
    assert result == _read_page()[cell], f"update the page with {UPDATE}=1"


def test_the_page_has_a_row_for_each_fault_and_a_column_for_each_call() -> None:
    documented = _read_page()

    assert PAGE.read_text() == _render_page(documented), f"update it with {UPDATE}=1"
    assert documented.keys() == set(cells())


def _render_page(results: Mapping[Cell, str]) -> str:
    titles = ("", *(f"{call.title} (`{call.isolation}`)" for call in CALLS))
    rows = [
        (fault.title, *(results.get(Cell(call, fault), "-") for call in CALLS)) for fault in FAULTS
    ]
    table = (titles, ("---",) * len(titles), *rows)
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in table), ""])


def _read_page() -> dict[Cell, str]:
    """Return the results that the page has for each cell."""
    page = PAGE.read_text() if PAGE.exists() else ""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    results = {row[0]: row[1:] for row in rows}
    return {
        Cell(call, fault): result
        for fault in FAULTS
        for call, result in zip(CALLS, results.get(fault.title, ()), strict=False)
        if result != "-"
    }
