"""A database that grows too large: warned, made read-only, released when it has room again."""

from datetime import timedelta

from adapters.memory.provider import EMPTY
from domain.errors import ProviderBusy
from domain.sizes import SizeLimit, is_read_only
from domain.states import State
from domain.upkeep import Upkeep
from ports.driving.sweep import DONE, TOLD
from tests.support.acts import GRACE, LIMIT
from tests.support.aftermath import assert_in_line, found
from tests.support.doubles import Fails
from tests.support.drifted import told, vended
from tests.support.growing import confined, grown
from tests.support.vending import Memory


async def test_what_is_too_large_is_warned_and_told_why() -> None:
    await grown(memory := Memory(limit=LIMIT))

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.WARN, DONE)
    assert finding.detail == "It has 32MB; the limit is 16MB."
    assert [step.name for step in (await memory.only_record()).steps][-1] == "warn"


async def test_what_was_warned_stays_writable() -> None:
    made = await grown(memory := Memory(limit=LIMIT))

    await found(memory)
    assert await found(memory) == [], "replicas may look one right after the other"

    assert not memory.provider.is_read_only(made.tenant)
    assert not is_read_only(await memory.only_record())


async def test_what_is_still_too_large_becomes_read_only_and_stays_ready() -> None:
    made = await confined(memory := Memory(limit=LIMIT))

    record = await memory.only_record()
    assert memory.provider.is_read_only(made.tenant)
    assert is_read_only(record)
    assert (record.state, record.is_at_rest, record.wake_at) == (State.READY, True, None)
    await assert_in_line(memory)


async def test_what_has_room_again_is_released() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.provider.fill(made.id, EMPTY)

    assert told(await found(memory)) == [(Upkeep.RELEASE, DONE)]

    assert not memory.provider.is_read_only(made.tenant)
    assert not is_read_only(await memory.only_record())
    await assert_in_line(memory)


async def test_what_lingers_below_the_limit_is_not_released() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.provider.fill(made.id, LIMIT.size)

    assert await found(memory) == []
    assert memory.provider.is_read_only(made.tenant)


async def test_the_end_of_a_warning_ends_nobodys_sessions() -> None:
    made = await grown(memory := Memory(limit=LIMIT))
    await found(memory)
    memory.provider.fill(made.id, EMPTY)
    memory.trouble = Fails({"before release": [ProviderBusy()]})

    assert told(await found(memory)) == [(Upkeep.RELEASE, DONE)]
    assert (await memory.only_record()).is_at_rest


async def test_a_service_without_a_limit_releases_what_another_confined() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.limit = None

    [finding] = await found(memory)

    assert (finding.action, finding.detail) == (Upkeep.RELEASE, "There is no limit any more.")
    assert not memory.provider.is_read_only(made.tenant)


async def test_a_service_without_a_limit_measures_nothing() -> None:
    await grown(memory := Memory(trouble=Fails({"measures": [ProviderBusy()]})))

    assert await found(memory) == []


async def test_a_higher_limit_releases_too() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.limit = SizeLimit(3 * LIMIT.size)

    assert told(await found(memory)) == [(Upkeep.RELEASE, DONE)]
    assert not memory.provider.is_read_only(made.tenant)


async def test_what_its_owner_made_writable_becomes_read_only_again() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    await memory.provider.release(made.tenant)

    assert told(await found(memory)) == [(Upkeep.CONFINE, DONE)]
    assert memory.provider.is_read_only(made.tenant)


async def test_what_goes_on_growing_though_it_is_read_only_is_told() -> None:
    made = await confined(memory := Memory(limit=LIMIT))
    memory.provider.fill(made.id, 2 * LIMIT.size + 1)

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.EXCEED, TOLD)
    assert finding.detail.startswith("It has 32MB; the limit is 16MB. It is read-only")


async def test_others_are_left_alone() -> None:
    memory = Memory(limit=LIMIT)
    other = await vended(memory, "Other")

    await confined(memory)

    assert await memory.registry.get(other.id) == other
    assert not memory.provider.is_read_only(other.tenant)


async def test_a_rotation_lifts_nothing() -> None:
    made = await confined(memory := Memory(limit=LIMIT))

    await memory.rotate()(made.id)

    assert memory.provider.is_read_only(made.tenant)
    assert is_read_only(await memory.only_record())


async def test_an_end_and_a_restoration_lift_nothing() -> None:
    made = await confined(memory := Memory(limit=LIMIT), timedelta(hours=1))
    memory.clock.moment += timedelta(hours=2)
    assert told(await found(memory, GRACE)) == [(Upkeep.EXPIRE, DONE)]

    await memory.restore()(made.id)

    assert memory.provider.is_read_only(made.tenant)
    assert is_read_only(await memory.only_record())
    await assert_in_line(memory, GRACE)


async def test_what_is_read_only_can_be_deleted() -> None:
    made = await confined(memory := Memory(limit=LIMIT))

    await memory.retire().promise(made.id)

    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    assert await memory.held() == set()
