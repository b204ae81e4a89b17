"""Spares that settings or templates shape otherwise, or that are too many."""

from dataclasses import replace

import pytest

from domain.spares import SpareLevel
from ports.use_cases.list_spares import ListSpares
from tests.support.consistency import assert_consistent
from tests.support.memory_service import MemoryService
from tests.support.provision_requests import deriver
from tests.support.spares import add_template, another_process, create_pooled

FILLING = [
    "before provision",
    "during provision",
    "after provision",
    "before suspend",
    "after suspend",
]


@pytest.mark.parametrize(
    "change",
    [
        {"settings_shape": "other"},
        {"passwords": replace(deriver, secret=deriver.secret.__class__("n" * 32))},
    ],
    ids=["settings", "secret"],
)
async def test_spares_of_another_shape_are_replaced(change: dict[str, object]) -> None:
    memory = await create_pooled(2)
    former = await memory.spares()
    changed = another_process(memory, **change)

    await changed.maintain_spares()()

    spares = await changed.spares()
    assert len(spares) == 2
    assert not {spare.id for spare in spares} & {spare.id for spare in former}
    assert {item.id for item in await memory.provider.inventory()} == {each.id for each in spares}


@pytest.mark.parametrize("wanted", [0, 1])
async def test_spares_that_are_too_many_are_deleted_oldest_first(wanted: int) -> None:
    memory = await create_pooled(3)
    newest = (await memory.spares())[::-1]
    fewer = another_process(memory, counts={"default": wanted})

    await fewer.maintain_spares()()

    assert await fewer.spares() == newest[:wanted]
    await assert_consistent(fewer)


async def test_a_claim_in_progress_is_not_deleted_as_too_many() -> None:
    memory = await create_pooled(1)
    hold, creation = await memory.hold("before provision", memory.create())
    fewer = another_process(memory, counts={})

    await fewer.maintain_spares()()
    hold.let_go.set()

    assert memory.provider.accepts((await creation).connection)


async def test_spares_of_a_template_are_copies_of_it() -> None:
    memory = MemoryService(counts={"default": 1, "shop": 2})
    shop = await add_template(memory, "shop")

    await memory.maintain_spares()()

    assert sorted(spare.source for spare in await memory.spares()) == ["", shop.id, shop.id]
    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="default", wanted=1, ready=1, filling=0),
        SpareLevel(template="shop", wanted=2, ready=2, filling=0),
    ]


async def test_a_template_that_does_not_exist_has_no_spares() -> None:
    memory = MemoryService(counts={"shop": 2})
    await memory.maintain_spares()()
    assert await ListSpares(pool=memory.pool)() == [
        SpareLevel(template="shop", wanted=2, ready=0, filling=0)
    ]


async def test_the_spares_of_a_replaced_template_are_replaced() -> None:
    memory = MemoryService(counts={"shop": 1})
    former = await add_template(memory, "shop")
    await memory.maintain_spares()()
    await memory.templates().request_deletion(former.id)
    await memory.deletion().finish(former.id)
    latter = await add_template(memory, "shop")

    await memory.maintain_spares()()

    assert [spare.source for spare in await memory.spares()] == [latter.id]


async def test_a_creation_claims_only_a_spare_of_its_source() -> None:
    memory = MemoryService(counts={"default": 1, "shop": 1})
    shop = await add_template(memory, "shop")
    await memory.maintain_spares()()
    default, copy = sorted(await memory.spares(), key=lambda spare: spare.source)

    claimed = (await memory.create("Copy", template="shop")).database

    assert (claimed.id, claimed.source) == (copy.id, shop.id)
    assert (await memory.create()).database.id == default.id
