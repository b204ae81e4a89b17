"""Changes of the service's secret."""

import asyncio

import pytest

from adapters.memory.installation import MemoryInstallation
from adapters.memory.provider import no_fault
from domain.errors import SecretUnknown
from domain.lifecycle import State
from domain.passwords import PasswordDeriver, derive_secret_name
from ports.use_cases.check_secrets import CheckSecrets, SecretsInUse
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.changed_secrets import NEW_SECRET, UNDER_BOTH, UNDER_NEW, UNDER_OLD, restarted
from tests.support.consistency import settle
from tests.support.doubles import CrashAt
from tests.support.memory_service import HOUR, PROVISIONING, ROTATING, MemoryService
from tests.support.records import new_record

SALES = CreateRequest(nickname="Sales", ttl=HOUR, key="sales")

each_time = pytest.mark.parametrize("passwords", [UNDER_BOTH, UNDER_NEW], ids=["kept", "lost"])


@pytest.fixture
def memory() -> MemoryService:
    """The service with the old secret."""
    return MemoryService(passwords=UNDER_OLD)


@pytest.fixture
async def provisioned(memory: MemoryService) -> ProvisionedDatabase:
    return await memory.create_database()(SALES)


async def test_a_new_database_uses_the_current_secret() -> None:
    provisioned = await MemoryService(passwords=UNDER_BOTH).create()
    assert provisioned.database.secret == derive_secret_name(NEW_SECRET)
    assert (
        provisioned.connection.password
        == provisioned.database.to_provision_request(UNDER_NEW).password
    )


async def test_a_previous_secret_keeps_the_password(
    memory: MemoryService, provisioned: ProvisionedDatabase
) -> None:
    """Also for records of releases that stored no secret name."""
    unnamed = await memory.registry.add(new_record(state=State.READY))
    memory = restarted(memory, UNDER_BOTH)
    assert await memory.show_connection()(provisioned.database.id) == provisioned
    assert await memory.create_database()(SALES) == provisioned
    assert (await memory.show_connection()(unnamed.id)).connection.password == UNDER_OLD(
        unnamed.id, 0
    )


async def test_a_lost_secret_shows_no_wrong_password(
    memory: MemoryService, provisioned: ProvisionedDatabase
) -> None:
    memory = restarted(memory, UNDER_NEW)

    with pytest.raises(SecretUnknown):
        await memory.show_connection()(provisioned.database.id)
    with pytest.raises(SecretUnknown):
        await memory.create_database()(SALES)
    assert memory.provider.accepts(provisioned.connection)


@each_time
async def test_a_rotation_moves_a_database_to_the_current_secret(
    memory: MemoryService, provisioned: ProvisionedDatabase, passwords: PasswordDeriver
) -> None:
    rotated = await restarted(memory, passwords).rotate()(provisioned.database.id)

    memory = restarted(memory, UNDER_NEW)
    assert memory.provider.accepts(rotated.connection)
    assert await memory.show_connection()(provisioned.database.id) == rotated


@pytest.mark.parametrize("moment", ROTATING)
@pytest.mark.parametrize("finish", ["rotate", "reconcile"])
@each_time
async def test_an_interrupted_rotation_sets_the_password_of_the_record(
    memory: MemoryService,
    provisioned: ProvisionedDatabase,
    passwords: PasswordDeriver,
    finish: str,
    moment: str,
) -> None:
    await memory.interrupt(moment, memory.rotate()(provisioned.database.id))
    recorded = await memory.only_record()
    memory = restarted(memory, passwords)

    await (memory.rotate()(provisioned.database.id) if finish == "rotate" else settle(memory))

    record = await memory.only_record()
    shown = await memory.show_connection()(record.id)
    assert record.rotation == 1
    assert memory.provider.accepts(shown.connection)
    if passwords is UNDER_BOTH:
        assert shown.connection.password == recorded.to_provision_request(UNDER_OLD).password


async def test_a_previous_secret_restores_the_password(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    restored = await restarted(memory, UNDER_BOTH).restore()(expired.database.id)
    assert restored.connection == expired.connection
    assert memory.provider.accepts(expired.connection)


async def test_a_database_of_a_lost_secret_is_restored_with_a_new_password(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    memory = restarted(memory, UNDER_NEW)

    restored = await memory.restore()(expired.database.id)

    assert memory.provider.accepts(restored.connection)
    assert await memory.show_connection()(expired.database.id) == restored


@pytest.mark.parametrize("moment", PROVISIONING)
@pytest.mark.parametrize("finish", ["create", "reconcile"])
@each_time
async def test_an_interrupted_database_is_provisioned_with_the_new_secret(
    memory: MemoryService, passwords: PasswordDeriver, finish: str, moment: str
) -> None:
    memory.fault_hook = CrashAt(moment, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await memory.create_database()(SALES)
    memory.fault_hook = no_fault
    memory = restarted(memory, passwords)

    await (memory.create_database()(SALES) if finish == "create" else settle(memory))

    record = await memory.only_record()
    assert record.state is State.READY
    assert memory.provider.accepts((await memory.show_connection()(record.id)).connection)


@pytest.mark.parametrize(
    ("passwords", "in_use"),
    [
        (UNDER_OLD, SecretsInUse(current=2, previous=0, missing=1)),
        (UNDER_BOTH, SecretsInUse(current=1, previous=2, missing=0)),
        (UNDER_NEW, SecretsInUse(current=1, previous=0, missing=2)),
    ],
    ids=["old", "both", "new"],
)
async def test_databases_are_counted_by_the_secret_that_they_need(
    memory: MemoryService,
    provisioned: ProvisionedDatabase,
    passwords: PasswordDeriver,
    in_use: SecretsInUse,
) -> None:
    await memory.registry.add(
        new_record(state=State.READY)
    )  # of a release that stored no secret name
    await memory.registry.add(new_record(state=State.DELETED))
    await restarted(memory, UNDER_BOTH).create("Another")

    check = CheckSecrets(
        installation=MemoryInstallation(memory.registry), passwords=passwords, target=memory.target
    )
    assert await check() == in_use
