"""A sweep in which something fails: that is told, tried again later, and keeps nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.memory.leases import MemoryLeases
from adapters.memory.provider import no_trouble
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.states import State
from domain.steps import FIRST_PAUSE, LONGEST_PAUSE
from domain.upkeep import Upkeep
from ports.driving.sweep import AT_ONCE, DONE, Finding
from ports.driving.vend import VendRequest
from tests.support.aftermath import found, settle
from tests.support.doubles import FailingRegistry, Fails
from tests.support.fate import Fate, Killed, troubled
from tests.support.vending import Memory


def told(findings: list[Finding]) -> list[tuple[Upkeep, str]]:
    return [(finding.action, finding.outcome) for finding in findings]


async def deleted(memory: Memory, nickname: str = "Sales") -> None:
    made = await memory.vend()(VendRequest(nickname=nickname))
    await memory.retire().promise(made.database.id)


async def unanswered(memory: Memory) -> None:
    """A vend whose process was killed, and whose caller cannot come back for it."""
    with pytest.raises(Killed):
        await troubled(memory, Fate(Killed(), 4, lasting=True)).memory.vend()(
            VendRequest(nickname="Sales")
        )
    memory.trouble = no_trouble


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
async def test_what_fails_is_told_and_tried_again_after_a_pause(
    error: type[ProviderBusy] | type[ProviderRejected],
) -> None:
    await deleted(memory := Memory(trouble=Fails({"before retire": [error("No.")]})))

    assert [(one.outcome, one.detail) for one in await found(memory)] == [(error.code, "No.")]
    assert await found(memory) == [], "it did not rest"
    memory.clock.moment += FIRST_PAUSE

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert await memory.held() == set()


async def test_an_undo_that_fails_is_told_too() -> None:
    await unanswered(memory := Memory())
    memory.trouble = Fails({"before retire": [ProviderBusy()]})

    assert told(await found(memory)) == [(Upkeep.UNDO, "provider_busy")]
    memory.clock.moment += FIRST_PAUSE

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert (await memory.only_record()).state is State.FAILED


async def test_what_fails_for_ever_is_tried_for_ever_with_growing_pauses() -> None:
    memory = Memory(trouble=Fails({"before retire": [ProviderBusy() for _ in range(30)]}))
    await deleted(memory)
    rests: list[timedelta] = []

    for _ in range(30):
        assert told(await found(memory)) == [(Upkeep.RETIRE, "provider_busy")]
        wake_at = (await memory.only_record()).wake_at
        assert wake_at
        rests.append(wake_at - memory.clock.now())
        memory.clock.moment = wake_at

    assert rests[0] == FIRST_PAUSE
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_PAUSE
    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]


@pytest.mark.parametrize("error", [ProviderBusy(), ValueError("a secret")])
async def test_what_fails_does_not_keep_the_rest_from_being_done(error: Exception) -> None:
    memory = Memory()
    for number in range(9):
        await deleted(memory, f"Sales {number}")
    memory.trouble = _FailsOnce("before retire", error)

    findings = await found(memory)

    assert len([finding for finding in findings if finding.outcome == DONE]) == 8
    assert "secret" not in "".join(finding.detail for finding in findings)
    assert len(await memory.held()) == 1
    await settle(memory)
    assert await memory.held() == set()


async def test_what_nobody_has_foreseen_is_kept_for_the_log() -> None:
    await deleted(memory := Memory())
    error = ValueError("a secret")
    memory.trouble = _FailsOnce("before retire", error)

    [finding] = await found(memory)

    assert (finding.outcome, finding.detail) == ("internal_error", "ValueError")
    assert finding.crash is error


async def test_what_has_failed_before_comes_last() -> None:
    """Although it is the newest, and would come first."""
    memory = Memory(trouble=Fails({"before retire": [ProviderBusy()]}))
    for number in range(2 * AT_ONCE):
        await memory.vend()(VendRequest(nickname=f"Sales {number}"))
    others = await memory.records()
    memory.clock.moment += FIRST_PAUSE
    await deleted(memory, "Troublesome")
    await found(memory)
    memory.clock.moment += FIRST_PAUSE
    for other in others:
        await memory.retire().promise(other.id)

    findings = await found(memory)

    assert len(findings) == 2 * AT_ONCE + 1
    assert findings[-1].database == "troublesome"


async def test_a_dry_run_tells_of_a_lease_that_cannot_be_had() -> None:
    await deleted(memory := Memory())
    memory.leases = _Away()

    findings = await found(memory, dry_run=True)

    assert told(findings) == [(Upkeep.RETIRE, "unavailable")]


async def test_what_was_done_is_told_although_the_provider_does_not_say_what_it_holds() -> None:
    await deleted(memory := Memory(trouble=Fails({"inventory": [ProviderBusy()]})))

    assert told(await found(memory)) == [
        (Upkeep.RETIRE, DONE),
        (Upkeep.COMPARE, "provider_busy"),
    ]


async def test_a_registry_that_cannot_be_asked_is_told_to_who_sweeps() -> None:
    memory = Memory()
    process = troubled(memory, Fate(Unavailable(), 1, lasting=True)).memory

    with pytest.raises(Unavailable):
        await process.sweep()()


async def test_a_registry_that_fails_amid_a_sweep_loses_nothing() -> None:
    await deleted(memory := Memory())
    process = memory.replica()
    process.registry = FailingRegistry(memory.registry, 1, 100)

    await process.sweep()()

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]


class _Away(MemoryLeases):
    """Leases whose server cannot be reached."""

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        raise Unavailable
        yield False


class _FailsOnce:
    def __init__(self, moment: str, error: Exception) -> None:
        self._moment = moment
        self._errors = [error]

    async def __call__(self, moment: str) -> None:
        if moment == self._moment and self._errors:
            raise self._errors.pop()
