"""The service's secret changes, and databases go on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from adapters.memory.installation import MemoryInstallation
from adapters.memory.provider import no_trouble
from domain.errors import ProviderBusy, SecretUnknown
from domain.passwords import PasswordDeriver, name_of
from domain.states import State
from ports.driving.check_secrets import CheckSecrets, SecretsInUse
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails
from tests.support.records import new_record
from tests.support.rekeyed import NEW, UNDER_BOTH, UNDER_NEW, UNDER_OLD, restarted
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)
SALES = VendRequest(nickname="Sales", ttl=HOUR, key="sales")

each_time = pytest.mark.parametrize("passwords", [UNDER_BOTH, UNDER_NEW], ids=["kept", "lost"])


async def vended(request: VendRequest = SALES) -> tuple[Memory, Vended]:
    """A database of the time when there was the old secret."""
    memory = Memory(passwords=UNDER_OLD)
    return memory, await memory.vend()(request)


async def test_a_new_database_is_one_of_the_current_secret() -> None:
    memory = Memory(passwords=UNDER_BOTH)

    made = await memory.vend()(SALES)

    assert made.database.secret == name_of(NEW)
    assert made.connection.password == PasswordDeriver(NEW)(made.database.id, 0)


async def test_a_database_keeps_its_password_while_its_secret_is_kept() -> None:
    memory, made = await vended()
    memory = restarted(memory, UNDER_BOTH)

    assert await memory.connect()(made.database.id) == made
    assert await memory.vend()(SALES) == made


async def test_so_does_one_from_before_records_named_their_secret() -> None:
    memory = Memory(passwords=UNDER_BOTH)
    record = await memory.registry.add(new_record(state=State.READY))

    shown = await memory.connect()(record.id)

    assert shown.connection.password == UNDER_OLD(record.id, 0)


async def test_a_rotation_moves_a_database_to_the_current_secret() -> None:
    memory, made = await vended()

    rotated = await restarted(memory, UNDER_BOTH).rotate()(made.database.id)

    memory = restarted(memory, UNDER_NEW)
    assert memory.provider.accepts(rotated.connection)
    assert await memory.connect()(made.database.id) == rotated


async def test_where_its_secret_is_lost_no_wrong_password_is_shown() -> None:
    memory, made = await vended()
    memory = restarted(memory, UNDER_NEW)

    with pytest.raises(SecretUnknown):
        await memory.connect()(made.database.id)
    with pytest.raises(SecretUnknown):
        await memory.vend()(SALES)
    assert memory.provider.accepts(made.connection)


async def test_a_rotation_helps_where_its_secret_is_lost() -> None:
    memory, made = await vended()
    memory = restarted(memory, UNDER_NEW)

    rotated = await memory.rotate()(made.database.id)

    assert memory.provider.accepts(rotated.connection)
    assert await memory.connect()(made.database.id) == rotated


@pytest.mark.parametrize("moment", ["before rotate", "after rotate"])
@pytest.mark.parametrize("finish", ["rotate", "sweep"])
@each_time
async def test_a_rotation_that_was_cut_off_ends_with_the_password_that_the_record_says(
    passwords: PasswordDeriver, finish: str, moment: str
) -> None:
    memory, made = await vended()
    await cut_off(memory, moment, lambda: memory.rotate()(made.database.id))
    memory = restarted(memory, passwords)

    if finish == "rotate":
        await memory.rotate()(made.database.id)
    else:
        await settle(memory)

    record = await memory.only_record()
    assert record.rotation == 1
    assert memory.lets_in(record)
    assert memory.provider.accepts((await memory.connect()(record.id)).connection)


@pytest.mark.parametrize("moment", ["before rotate", "after rotate"])
async def test_what_was_cut_off_under_a_kept_secret_stays_under_it(moment: str) -> None:
    memory, made = await vended()
    await cut_off(memory, moment, lambda: memory.rotate()(made.database.id))

    rotated = await restarted(memory, UNDER_BOTH).rotate()(made.database.id)

    assert rotated.connection.password == UNDER_OLD(made.database.id, 1)


async def test_a_database_is_restored_under_its_password_while_its_secret_is_kept() -> None:
    memory, made = await expired()

    restored = await restarted(memory, UNDER_BOTH).restore()(made.database.id)

    assert restored.connection == made.connection
    assert memory.provider.accepts(made.connection)


async def test_where_its_secret_is_lost_it_is_restored_under_a_new_one() -> None:
    memory, made = await expired()
    memory = restarted(memory, UNDER_NEW)

    restored = await memory.restore()(made.database.id)

    assert restored.connection.password == PasswordDeriver(NEW)(made.database.id, 0)
    assert memory.provider.accepts(restored.connection)
    assert await memory.connect()(made.database.id) == restored


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
@pytest.mark.parametrize("finish", ["vend", "sweep"])
@each_time
async def test_a_database_that_was_half_made_is_made_under_another_secret(
    passwords: PasswordDeriver, finish: str, moment: str
) -> None:
    memory = await half_made(moment)
    memory = restarted(memory, passwords)

    if finish == "vend":
        await memory.vend()(SALES)
    else:
        await settle(memory)

    record = await memory.only_record()
    assert record.state is State.READY
    assert memory.provider.accepts((await memory.connect()(record.id)).connection)


@each_time
async def test_a_database_is_dropped_whatever_became_of_its_secret(
    passwords: PasswordDeriver,
) -> None:
    memory, made = await vended()
    memory = restarted(memory, passwords)

    await memory.retire().promise(made.database.id)
    await settle(memory)

    assert await memory.held() == set()
    await assert_in_line(memory)


async def test_it_is_told_how_many_databases_need_which_secret() -> None:
    memory, _ = await vended()
    await memory.registry.add(new_record(state=State.READY))  # of before records named theirs
    await memory.registry.add(new_record(state=State.RETIRED))
    await restarted(memory, UNDER_BOTH).vend()(VendRequest(nickname="Another"))

    assert await in_use(memory, UNDER_OLD) == SecretsInUse(current=2, previous=0, missing=1)
    assert await in_use(memory, UNDER_BOTH) == SecretsInUse(current=1, previous=2, missing=0)
    assert await in_use(memory, UNDER_NEW) == SecretsInUse(current=1, previous=0, missing=2)


async def in_use(memory: Memory, passwords: PasswordDeriver) -> SecretsInUse:
    installation = MemoryInstallation(memory.registry)
    return await CheckSecrets(
        installation=installation, passwords=passwords, target=memory.target
    )()


async def expired() -> tuple[Memory, Vended]:
    memory, made = await vended()
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(made.database.id)
    return memory, made


async def half_made(moment: str) -> Memory:
    """What a killed service leaves behind of a vend that its caller can come back for."""
    memory = Memory(passwords=UNDER_OLD)

    async def killed(at: str) -> None:
        if at == moment:
            raise asyncio.CancelledError

    memory.trouble = killed
    with pytest.raises(asyncio.CancelledError):
        await memory.vend()(SALES)
    memory.trouble = no_trouble
    return memory


async def cut_off(memory: Memory, moment: str, act: Callable[[], Awaitable[Vended]]) -> None:
    memory.trouble = Fails({moment: [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await act()
