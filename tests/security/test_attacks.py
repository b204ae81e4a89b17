"""What a tenant tries against another one, and against the server, and what comes of it."""

import os
from collections.abc import Mapping

import pytest

from tests.security.opening import Base
from tests.security.outcome import KINDS, Kind, Outcome
from tests.security.page import UPDATE, keep_table, kept_table, table
from tests.security.trials import CELLS, Cell, Results, results_of

pytestmark = pytest.mark.timeout(300)  # the first test waits for all attacks


@pytest.fixture(scope="module")
def bases(request: pytest.FixtureRequest) -> Mapping[str, Base]:
    """Resolved outside the loop, where pytest-asyncio can start the session's servers."""
    return {kind.base: request.getfixturevalue(kind.base) for kind in KINDS}


@pytest.fixture(scope="module")
async def results(bases: Mapping[str, Base]) -> Results:
    return await results_of(bases)


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_an_attack_ends_as_is_promised(results: Results, cell: Cell) -> None:
    result = results[cell]
    if isinstance(result, Exception):
        raise result

    assert result == cell.attack.promise(cell.kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.isolates], ids=str)
async def test_declared_isolation_is_no_more_than_what_holds(results: Results, kind: Kind) -> None:
    """Whatever crosses from one tenant to another is stopped, on every kind that declares any."""
    crossing = {cell for cell in CELLS if cell.attack.crosses and cell.kind == kind}

    assert {results[cell] for cell in crossing} == {Outcome.STOPPED}


async def test_the_documentation_tells_what_was_seen(results: Results) -> None:
    if os.environ.get(UPDATE):
        keep_table(table(results))

    assert kept_table() == table(results), f"make it anew with {UPDATE}=1"
