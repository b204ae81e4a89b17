"""Attacks of a tenant on another one and on the server, and their outcomes."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby

import pytest

from tests.security.attack import Attack
from tests.security.attacks import (
    deletion,
    limits,
    lock_queues,
    neighbour,
    obstruction,
    server,
    transaction_ids,
    traps,
    visibility,
)
from tests.security.outcome import KINDS, Kind, Outcome
from tests.security.stage import Base, Stage, open_stage
from tests.support.service import REPOSITORY

pytestmark = pytest.mark.timeout(300)  # the first test waits for all attacks

THEMES: Mapping[str, Sequence[Attack]] = {
    "A's database": neighbour.DATABASE,
    "Impersonation and privilege escalation": neighbour.IDENTITY,
    "A's sessions, and information about A": visibility.ATTACKS,
    "The server": server.ATTACKS,
    "Limits": limits.ATTACKS,
    "Obstruction of others": obstruction.ATTACKS,
    "Deletion of a tenant": deletion.ATTACKS,
    "Obstruction of the whole server": (*lock_queues.ATTACKS, *transaction_ids.ATTACKS),
    "pgvend's own sessions and records": traps.ATTACKS,
}

PAGE = REPOSITORY / "docs" / "security" / "attacks.md"
BEGIN, END = "<!-- attacks: begin -->\n\n", "\n<!-- attacks: end -->\n"

UPDATE_VARIABLE = "UPDATE_DOCS"
"""The environment variable that makes the test write the table instead of comparing it."""

Results = dict[Attack, Outcome | Exception]


@pytest.fixture(scope="module")
def bases(request: pytest.FixtureRequest) -> Mapping[Kind, Base]:
    """Return the servers of the selected kinds; resolved outside the loop, where pytest-asyncio can
    start the session's servers."""
    items = [item for item in request.session.items if item.path == request.path]
    kinds = [item.callspec.params["kind"] for item in items if hasattr(item, "callspec")]
    if len(items) > len(kinds):  # the documentation covers all kinds
        kinds = list(KINDS)
    return {kind: request.getfixturevalue(kind.base) for kind in KINDS if kind in kinds}


@pytest.fixture(scope="module")
async def results(bases: Mapping[Kind, Base]) -> Mapping[Kind, Results]:
    """Run the attacks on all servers concurrently, one after another on each server."""
    outcomes: dict[Kind, Results] = {}

    async def run_on(kinds: list[Kind]) -> None:
        for kind in kinds:
            outcomes[kind] = await _run_attacks(kind, bases[kind])

    shared = groupby(bases, key=lambda kind: kind.base)
    await asyncio.gather(*[run_on(list(kinds)) for _, kinds in shared])
    return outcomes


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_attacks_have_the_expected_outcomes(
    results: Mapping[Kind, Results], kind: Kind
) -> None:
    errors = [result for result in results[kind].values() if isinstance(result, Exception)]
    if errors:
        raise ExceptionGroup(f"on {kind}", errors)
    expected = {attack: attack.expected_outcome(kind) for attack in results[kind]}
    assert results[kind] == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.isolates], ids=str)
async def test_declared_isolation_holds(results: Mapping[Kind, Results], kind: Kind) -> None:
    """Every attack that would cross from one tenant to another is stopped, on every kind that
    declares isolation."""
    crossing = {
        attack: result for attack, result in results[kind].items() if attack.crosses_tenants
    }

    assert crossing == dict.fromkeys(crossing, Outcome.STOPPED)
    assert crossing


async def test_the_documentation_matches_the_outcomes(results: Mapping[Kind, Results]) -> None:
    table = "\n".join(_format_tables(results))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    current, _, after = rest.partition(END)
    if os.environ.get(UPDATE_VARIABLE):
        current = table
        PAGE.write_text(before + BEGIN + table + END + after)

    assert current == table, f"{PAGE.name} is out of date: run this test with {UPDATE_VARIABLE}=1"


async def _run_attacks(kind: Kind, base: Base) -> Results:
    results: Results = {}
    async with open_stage(kind, base) as stage:
        snapshot = await stage.snapshot()
        for attack in chain(*THEMES.values()):
            result = results[attack] = await _run_attack(stage, attack, snapshot)
            if isinstance(result, Exception):  # the next attacks start from the changed state
                snapshot = await stage.snapshot()
    return results


async def _run_attack(stage: Stage, attack: Attack, snapshot: str) -> Outcome | Exception:
    """Run the attack, and check that A is unchanged: `snapshot` is A's state before it."""
    try:
        outcome = await attack(stage)
        assert await stage.snapshot() == snapshot, "A has changed"
    except Exception as error:
        error.add_note(f"while B tries to {attack}")
        return error
    return outcome


_MODES = {mode: tuple(kinds) for mode, kinds in groupby(KINDS, key=lambda kind: kind.mode)}


def _format_tables(results: Mapping[Kind, Results]) -> Iterator[str]:
    for theme, attacks in THEMES.items():
        yield from (f"### {theme}", "", _format_row("B tries to", *_MODES))
        yield _format_row("---", *("---" for _ in _MODES))
        for attack in attacks:
            yield _format_row(
                attack.title, *(_format_outcomes(results, attack, mode) for mode in _MODES.values())
            )
        yield ""


def _format_outcomes(results: Mapping[Kind, Results], attack: Attack, kinds: Sequence[Kind]) -> str:
    """Return one outcome if all versions agree, else one for each."""
    texts = {kind: _format_outcome(results[kind][attack]) for kind in kinds}
    if len(set(texts.values())) == 1:
        return texts[kinds[0]]
    return ", ".join(f"{outcome} ({kind.major})" for kind, outcome in texts.items())


def _format_outcome(result: Outcome | Exception) -> str:
    if isinstance(result, Exception):
        return "broken"
    return f"**{result}**" if result is Outcome.POSSIBLE else str(result)


def _format_row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
