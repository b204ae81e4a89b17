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


async def test_the_first_name_is_kept(installation: Installation) -> None:
    """From before the first record on: another replica may be making that one under it."""
    assert await installation.name("one") == "one"

    assert await installation.name("two") == "one"
    assert await installation.name("one") == "one"


async def test_the_first_of_racing_names_is_everybodys(installation: Installation) -> None:
    names = await asyncio.gather(*(installation.name(str(number)) for number in range(10)))

    assert len(set(names)) == 1


async def test_records_that_have_no_name_yet_get_one(
    installation: Installation, registry: Registry
) -> None:
    await registry.add(new_record())

    assert await installation.name("one") == "one"
    assert await installation.name("two") == "one"


async def test_all_who_propose_one_name_at_once_get_it(installation: Installation) -> None:
    assert await asyncio.gather(*(installation.name("one") for _ in range(10))) == ["one"] * 10


async def test_without_records_no_secret_is_needed(installation: Installation) -> None:
    assert dict(await installation.secrets(TARGET.name)) == {}


async def test_records_are_counted_by_the_secret_that_they_name(
    installation: Installation, registry: Registry
) -> None:
    for secret in ("", "one", "two", "two"):
        await registry.add(replace(new_record(), secret=secret))

    assert dict(await installation.secrets(TARGET.name)) == {"": 1, "one": 1, "two": 2}


@pytest.mark.parametrize("state", [State.FAILED, State.RETIRED])
async def test_what_is_gone_needs_no_secret(
    installation: Installation, registry: Registry, state: State
) -> None:
    await registry.add(new_record(state=state))

    assert dict(await installation.secrets(TARGET.name)) == {}


async def test_neither_does_what_is_on_another_target(
    installation: Installation, registry: Registry
) -> None:
    await registry.add(new_record(target=ELSEWHERE))

    assert dict(await installation.secrets(TARGET.name)) == {}


async def test_a_record_keeps_the_secret_that_it_names(registry: Registry) -> None:
    kept = await registry.add(replace(new_record(), secret="one"))
    assert (await registry.get(kept.id)).secret == "one"

    await registry.update(replace(kept, secret="two"))
    assert (await registry.get(kept.id)).secret == "two"
