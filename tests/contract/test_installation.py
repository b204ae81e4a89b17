"""What every registry knows of the installation: its name, and the secrets that it needs."""

import asyncio
from dataclasses import replace

import pytest

from adapters.registry.opening import Opened
from domain.states import State
from ports.driven.installation import Installation
from ports.driven.registry import Registry
from tests.support.records import ELSEWHERE, TARGET, new_record


@pytest.fixture
def installation(opened: Opened) -> Installation:
    return opened.installation


@pytest.mark.parametrize("has_records", [False, True])
async def test_the_first_name_is_kept(
    installation: Installation, registry: Registry, has_records: bool
) -> None:
    """From before the first record on: another replica may be making that one under it."""
    if has_records:
        await registry.add(new_record())
    for name in ("one", "two", "one"):
        assert await installation.name(name) == "one"


async def test_the_first_of_racing_names_is_everybodys(installation: Installation) -> None:
    names = await asyncio.gather(*(installation.name(str(number % 5)) for number in range(10)))

    assert len(set(names)) == 1


async def test_records_are_counted_by_the_secret_that_they_name(
    installation: Installation, registry: Registry
) -> None:
    """But for what is gone, or on another target."""
    for state in (State.FAILED, State.RETIRED):
        await registry.add(replace(new_record(state=state), secret="one"))
    await registry.add(new_record(target=ELSEWHERE))
    assert dict(await installation.secrets(TARGET.name)) == {}

    for secret in ("", "one", "two", "two"):
        await registry.add(replace(new_record(), secret=secret))
    assert dict(await installation.secrets(TARGET.name)) == {"": 1, "one": 1, "two": 2}


async def test_a_record_keeps_the_secret_that_it_names(registry: Registry) -> None:
    kept = await registry.add(replace(new_record(), secret="one"))
    assert (await registry.get(kept.id)).secret == "one"

    await registry.update(replace(kept, secret="two"))
    assert (await registry.get(kept.id)).secret == "two"
