"""Attacks across tenants, one of which is a copy of the other one's database."""

from itertools import chain

import pytest

from tests.security.outcome import KINDS, Kind, Outcome
from tests.security.stage import Base, open_stage
from tests.security.tenants import Arrange, a_copies_b, b_copies_a
from tests.security.test_attacks import THEMES

COPYING_KINDS = [kind for kind in KINDS if not kind.is_neon]


@pytest.fixture(params=COPYING_KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def base(request: pytest.FixtureRequest, kind: Kind) -> Base:
    """Resolve the fixture outside the loop: only there can pytest-asyncio start the servers."""
    found: Base = request.getfixturevalue(kind.base)
    return found


@pytest.mark.parametrize("arrange", [a_copies_b, b_copies_a])
async def test_a_copy_is_isolated_from_its_source(kind: Kind, base: Base, arrange: Arrange) -> None:
    crossing = [attack for attack in chain(*THEMES.values()) if attack.crosses_tenants]
    outcomes = {}
    async with open_stage(kind, base, arrange) as stage:
        snapshot = await stage.snapshot()
        for attack in crossing:
            outcomes[attack] = await attack(stage)
            assert await stage.snapshot() == snapshot, attack.title
    assert outcomes == dict.fromkeys(crossing, Outcome.STOPPED)
