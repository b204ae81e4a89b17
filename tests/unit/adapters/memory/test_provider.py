"""What is peculiar to the provider in memory: capacity, troubles, pretended logins."""

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, ProviderFull
from domain.provisioning import Holding
from tests.support.doubles import Fails
from tests.support.provision_requests import new_order, rotated


async def test_it_takes_orders_up_to_its_capacity() -> None:
    provider, order = MemoryProvider(capacity=2), new_order()
    await provider.provision(order)
    await provider.provision(new_order())

    with pytest.raises(ProviderFull, match="capacity of 2 databases is used up"):
        await provider.provision(new_order())

    assert len(await provider.inventory()) == 2
    assert provider.accepts(await provider.provision(order)), "what it has can be repeated"
    await provider.delete(order.tenant)
    await provider.provision(new_order())


async def test_trouble_is_met_at_every_moment_of_a_life() -> None:
    moments: list[str] = []

    async def listening(moment: str) -> None:
        moments.append(moment)

    provider, order = MemoryProvider(trouble=listening), new_order()
    await provider.provision(order)
    await provider.reveal(order)
    await provider.rotate(rotated(order))
    await provider.suspend(order.tenant)
    await provider.delete(order.tenant)
    await provider.inventory()
    await provider.ping()

    assert moments == [
        *("before provision", "amid provision", "after provision"),
        "reveal",
        *("before rotate", "after rotate"),
        *("before suspend", "after suspend"),
        *("before delete", "amid delete", "after delete"),
        *("inventory", "ping"),
    ]


@pytest.mark.parametrize(
    ("moment", "owner", "database"),
    [("before provision", 0, 0), ("amid provision", 1, 0), ("after provision", 1, 1)],
)
async def test_trouble_leaves_what_was_made(moment: str, owner: int, database: int) -> None:
    provider, order = MemoryProvider(trouble=Fails({moment: [OutcomeUnknown()]})), new_order()

    with pytest.raises(OutcomeUnknown):
        await provider.provision(order)

    names = order.tenant.names
    kept = names.database if database else None
    half = Holding(id=order.tenant.id, database=kept, owner=names.owner)
    assert await provider.inventory() == ([half] if owner else [])
    assert provider.accepts(await MemoryProvider().provision(order)) is bool(database)


async def test_a_rotation_does_not_let_a_suspended_tenant_in() -> None:
    provider, order = MemoryProvider(), new_order()
    await provider.provision(order)
    await provider.suspend(order.tenant)
    assert not provider.accepts(await provider.rotate(rotated(order)))


async def test_its_address_leads_nowhere() -> None:
    """RFC 6761 keeps `.invalid` for that: nobody waits for a server that is not there."""
    assert (await MemoryProvider().provision(new_order())).host.endswith(".invalid")
