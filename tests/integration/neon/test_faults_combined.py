"""Combinations of faults, in reads too: the guarantees stay the same."""

import random
from collections.abc import AsyncIterator

import pytest

from domain.targets import Isolation
from entrypoints.neon_emulator.state.faults import Fault, How
from tests.support.neon.fake_account import FakeAccount, open_fake_account
from tests.support.neon.fault_trials import create_trial

WRITES = {
    Isolation.NONE: ("create_role", "create_database", "delete_database", "delete_role"),
    Isolation.PROJECT: ("create_project", "delete_project"),
}
READS = {
    Isolation.NONE: ("list_roles", "list_databases", "list_operations", "get_operation"),
    Isolation.PROJECT: ("list_projects", "list_branches", "get_operation", "get_connection_uri"),
}
OF_WRITES = [how for how in How if how not in {How.HANG, How.HANG_BEFORE}]  # slow
OF_READS = (How.RESET_BEFORE, How.UNAVAILABLE, How.LIMITED, How.FAILED_AFTER, How.GARBAGE)


@pytest.fixture(scope="module")
async def fake_account() -> AsyncIterator[FakeAccount]:
    async with open_fake_account() as fake_account:
        yield fake_account


@pytest.mark.parametrize("seed", range(30))
async def test_a_creation_with_faults_works_or_fails_cleanly(
    fake_account: FakeAccount, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same faults in every run
    isolation = rng.choices(list(WRITES), weights=[3, 1])[0]

    await create_trial(fake_account, isolation, _faults(rng, isolation)).create()


def _faults(rng: random.Random, isolation: Isolation) -> list[Fault]:
    writes = [
        _fault(rng, rng.choice(WRITES[isolation]), rng.choice(OF_WRITES))
        for _ in range(rng.randint(1, 3))
    ]
    reads = [
        _fault(rng, rng.choice(READS[isolation]), rng.choice(OF_READS))
        for _ in range(rng.randint(0, 2))
    ]
    return writes + reads


def _fault(rng: random.Random, route: str, how: How) -> Fault:
    return Fault(route=route, how=how, times=rng.randint(1, 3), seconds=0.1)
