"""Every call that changes something on Neon, times everything that may befall it."""

import os

import pytest

from tests.support.neon.fault_matrix import CELLS, Cell
from tests.support.neon.fault_page import UPDATE, keep_page, kept_page, page
from tests.support.neon.trials import Results, results_of

pytestmark = pytest.mark.timeout(900)  # the first test waits for all cells


@pytest.fixture(scope="module")
async def results() -> Results:
    return await results_of(CELLS)


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_a_broken_call_ends_in_what_works_or_in_a_clean_error(
    results: Results, cell: Cell
) -> None:
    """What both mean is in `tests/support/neon_cells.py`."""
    result = results[cell]
    if isinstance(result, Exception):
        raise result


async def test_the_documentation_tells_what_callers_get(results: Results) -> None:
    if os.environ.get(UPDATE):
        keep_page(page(results))

    assert kept_page() == page(results), f"make it anew with {UPDATE}=1"
