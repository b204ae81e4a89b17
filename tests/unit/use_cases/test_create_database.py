"""Creating a database from a nickname, with or without a suffix."""

import asyncio
import re
from itertools import cycle
from typing import Any

import pytest

from domain.errors import InvalidDuration, InvalidLabels, InvalidNickname, InvalidRequest, NameTaken
from domain.expiry import ExpiryPolicy
from domain.lifecycle import State, StepState
from ports.use_cases.create_request import OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import yield_to_others
from tests.support.memory_service import HOUR, MemoryService
from tests.support.randomness import SeededRandomness
from tests.support.records import TARGET

SUFFIXED = re.compile(r"sales_[a-z0-9]{6}")
REJECT = OnConflict.REJECT


class LittleChance(SeededRandomness):
    """Each suffix repeats one of the given characters."""

    def __init__(self, characters: str) -> None:
        super().__init__()
        self._characters = cycle(characters)

    def suffix(self, alphabet: str, length: int) -> str:
        return next(self._characters) * length


async def test_a_created_database_is_ready_and_accepts_its_login(memory: MemoryService) -> None:
    provisioned = await memory.create("Sales Data 2024")

    record = provisioned.database
    assert memory.provider.accepts(provisioned.connection)
    assert (provisioned.connection.database, provisioned.connection.user) == (
        "salesdata2024",
        "user_salesdata2024",
    )
    assert await memory.only_record() == record
    assert record.state is State.READY
    assert [(step.name, step.state) for step in record.steps] == [
        ("provision", StepState.DONE),
        ("verify", StepState.DONE),
    ]


async def test_the_record_has_what_was_requested(memory: MemoryService) -> None:
    provisioned = await memory.create(
        "Sales Data 2024", ttl=HOUR, labels={"team": "sales"}, extensions=("vector", "vector")
    )

    record = provisioned.database
    assert (record.nickname.text, record.target) == ("Sales Data 2024", TARGET)
    assert (record.labels, record.extensions) == ({"team": "sales"}, ("vector",))
    assert record.created_at == memory.clock.now()
    assert record.expires_at == memory.clock.now() + HOUR


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"nickname": "!?"}, InvalidNickname),
        ({"labels": {"": "value"}}, InvalidLabels),
        ({"ttl": 8 * HOUR}, InvalidDuration),
        ({"key": " "}, InvalidRequest),
    ],
)
async def test_invalid_input_records_nothing(asked: dict[str, Any], error: type[Exception]) -> None:
    memory = MemoryService(expiry=ExpiryPolicy(max_ttl=7 * HOUR))

    with pytest.raises(error):
        await memory.create(**asked)

    assert (await memory.records(), await memory.tenant_ids()) == ([], set())


async def test_concurrent_requests_for_one_nickname_get_databases_of_their_own() -> None:
    memory = MemoryService(fault_hook=yield_to_others)

    provisioned = await asyncio.gather(*(memory.create() for _ in range(20)))

    assert len({one.connection.database for one in provisioned}) == 20
    assert len({one.connection.user for one in provisioned}) == 20
    assert all(memory.provider.accepts(one.connection) for one in provisioned)
    assert await memory.tenant_ids() == {one.database.id for one in provisioned}


async def test_a_name_in_use_on_the_provider_gets_a_suffix(memory: MemoryService) -> None:
    await memory.occupy("Sales")

    provisioned = await memory.create()

    assert SUFFIXED.fullmatch(provisioned.connection.database)
    assert await memory.tenant_ids() == {"stranger", provisioned.database.id}
    assert (await memory.only_record()).names == provisioned.database.names


async def test_a_name_taken_during_provisioning_gets_a_suffix(memory: MemoryService) -> None:
    """Another database takes the name after the role was created."""

    async def occupy_name(moment: str) -> None:
        if moment == "during provision" and "sales" not in memory.provider._databases:
            memory.provider._databases["sales"] = "stranger"

    memory.fault_hook = occupy_name
    provisioned = await memory.create()

    assert SUFFIXED.fullmatch(provisioned.connection.database)
    assert await memory.tenant_ids() == {provisioned.database.id}


@pytest.mark.parametrize("nickname", ["postgres", " Template1 ", "NEONDB", "replication"])
async def test_a_reserved_name_gets_a_suffix_at_once(memory: MemoryService, nickname: str) -> None:
    provisioned = await memory.create(nickname)
    assert re.fullmatch(r"[a-z0-9]+_[a-z0-9]{6}", provisioned.connection.database)


@pytest.mark.parametrize("holder", ["record", "stranger"])
async def test_a_name_in_use_is_rejected_on_request(memory: MemoryService, holder: str) -> None:
    await (memory.create() if holder == "record" else memory.occupy("Sales"))
    acquire = await memory.tenant_ids()

    with pytest.raises(NameTaken, match="'sales' is reserved or in use"):
        await memory.create(on_conflict=REJECT)

    record = await memory.only_record()
    assert record.state is (State.READY if holder == "record" else State.FAILED)
    assert await memory.tenant_ids() == acquire


async def test_a_reserved_name_is_rejected_on_request(memory: MemoryService) -> None:
    with pytest.raises(NameTaken, match="'postgres' is reserved"):
        await memory.create("postgres", on_conflict=REJECT)
    assert (await memory.records(), await memory.tenant_ids()) == ([], set())


async def test_a_deleted_database_frees_its_name(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.deletion().request(sales.database.id)
    with pytest.raises(NameTaken):
        await memory.create(on_conflict=REJECT)
    await memory.deletion().finish(sales.database.id)

    again = await memory.create(on_conflict=REJECT)

    assert again.connection.database == "sales"
    assert again.connection.password != sales.connection.password


async def test_a_suffix_in_use_is_followed_by_another() -> None:
    memory = MemoryService(randomness=LittleChance("aab"))
    names = [(await memory.create()).connection.database for _ in range(3)]
    assert names == ["sales", "sales_aaaaaa", "sales_bbbbbb"]


async def test_the_number_of_suffixes_is_bounded() -> None:
    memory = MemoryService(randomness=LittleChance("a"))
    provisioned = [await memory.create(), await memory.create()]

    with pytest.raises(NameTaken):
        await memory.create()

    assert await memory.tenant_ids() == {one.database.id for one in provisioned}
