"""Adding an extension: recorded first, then installed, and finished after an interruption."""

import pytest

from domain.database import Database
from domain.errors import (
    ExtensionUnavailable,
    InFlight,
    OutcomeUnknown,
    PasswordChanged,
    PgvendError,
    ProviderRejected,
    SecretUnknown,
)
from domain.lifecycle import Operation
from ports.driven.login_check import PasswordRefused
from ports.use_cases.create_request import CreateRequest
from tests.support.changed_secrets import UNDER_NEW
from tests.support.doubles import FailAt
from tests.support.memory_service import MemoryService


@pytest.fixture
async def database(memory: MemoryService) -> Database:
    return (await memory.create(extensions=("citext",))).database


async def test_an_extension_is_installed_and_recorded_once(
    memory: MemoryService, database: Database
) -> None:
    for _ in range(2):
        record = await memory.add_extension()(database.id, "hstore")
        assert record == await memory.only_record()
        assert record.extensions == ("citext", "hstore")
        assert (record.is_idle, record.wake_at) == (True, None)
    assert memory.provider.list_installed(database.tenant) == {"citext", "hstore"}


async def test_an_unavailable_extension_is_refused_with_the_list_and_changes_no_record(
    memory: MemoryService, database: Database
) -> None:
    with pytest.raises(ExtensionUnavailable, match=r"'postgis' .* offers citext, .*Leave it out"):
        await memory.add_extension()(database.id, "postgis")
    assert await memory.only_record() == database


@pytest.mark.parametrize(
    ("refusal", "error"),
    [(ExtensionUnavailable(), ExtensionUnavailable), (PasswordRefused(), PasswordChanged)],
)
async def test_an_extension_that_the_database_refuses_leaves_the_record(
    memory: MemoryService, database: Database, refusal: PgvendError, error: type[Exception]
) -> None:
    memory.fault_hook = FailAt({"before install": [refusal]})

    with pytest.raises(error):
        await memory.add_extension()(database.id, "hstore")

    record = await memory.only_record()
    assert record.extensions == ("citext",)
    assert not record.is_pending(Operation.ADD_EXTENSION)


@pytest.mark.parametrize("error", [OutcomeUnknown(), ProviderRejected()])
async def test_a_second_extension_is_refused_while_one_is_pending(
    memory: MemoryService, database: Database, error: PgvendError
) -> None:
    memory.fault_hook = FailAt({"before install": [error]})
    with pytest.raises(type(error)):
        await memory.add_extension()(database.id, "hstore")

    with pytest.raises(InFlight, match="Another extension"):
        await memory.add_extension()(database.id, "vector")
    assert (await memory.add_extension()(database.id, "hstore")).extensions == ("citext", "hstore")


async def test_an_unknown_password_allows_no_extension(
    memory: MemoryService, database: Database
) -> None:
    memory.passwords = UNDER_NEW
    with pytest.raises(SecretUnknown):
        await memory.add_extension()(database.id, "hstore")
    assert await memory.only_record() == database


@pytest.mark.parametrize("call", ["__call__", "request"])
async def test_an_unavailable_extension_is_refused_before_anything_is_recorded(call: str) -> None:
    memory = MemoryService()
    with pytest.raises(ExtensionUnavailable, match="postgis"):
        await getattr(memory.create_database(), call)(
            CreateRequest(nickname="Maps", extensions=("postgis",))
        )
    assert (await memory.records(), await memory.tenant_ids()) == ([], set())
