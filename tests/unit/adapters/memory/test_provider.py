"""The provider in memory beyond its port: capacity, fault hooks, simulated logins."""

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, ProviderFull
from domain.provisioning import InventoryItem
from tests.support.doubles import FailAt
from tests.support.provision_requests import new_provision_request, with_next_password


async def test_databases_are_provisioned_up_to_the_capacity() -> None:
    provider, provision_request = MemoryProvider(capacity=2), new_provision_request()
    await provider.provision(provision_request)
    await provider.provision(new_provision_request())

    with pytest.raises(ProviderFull, match="capacity of 2 databases is used up"):
        await provider.provision(new_provision_request())

    assert len(await provider.inventory()) == 2
    assert provider.accepts(await provider.provision(provision_request)), (
        "an existing database can be provisioned again"
    )
    await provider.delete(provision_request.tenant)
    await provider.provision(new_provision_request())


async def test_the_fault_hook_is_called_at_every_moment() -> None:
    moments: list[str] = []

    async def record_moment(moment: str) -> None:
        moments.append(moment)

    provider, provision_request = MemoryProvider(fault_hook=record_moment), new_provision_request()
    await provider.provision(provision_request)
    await provider.reveal(provision_request)
    await provider.rotate(with_next_password(provision_request))
    await provider.suspend(provision_request.tenant)
    await provider.delete(provision_request.tenant)
    await provider.inventory()
    await provider.ping()

    assert moments == [
        *("before provision", "during provision", "after provision"),
        "reveal",
        *("before rotate", "after rotate"),
        *("before suspend", "after suspend"),
        *("before delete", "during delete", "after delete"),
        *("inventory", "ping"),
    ]


@pytest.mark.parametrize(
    ("moment", "owner", "database"),
    [("before provision", 0, 0), ("during provision", 1, 0), ("after provision", 1, 1)],
)
async def test_a_fault_leaves_the_parts_that_were_created(
    moment: str, owner: int, database: int
) -> None:
    provider, provision_request = (
        MemoryProvider(fault_hook=FailAt({moment: [OutcomeUnknown()]})),
        new_provision_request(),
    )

    with pytest.raises(OutcomeUnknown):
        await provider.provision(provision_request)

    names = provision_request.tenant.names
    expected = names.database if database else None
    half = InventoryItem(id=provision_request.tenant.id, database=expected, owner=names.owner)
    assert await provider.inventory() == ([half] if owner else [])
    assert provider.accepts(await MemoryProvider().provision(provision_request)) is bool(database)


async def test_a_rotation_does_not_let_a_suspended_tenant_in() -> None:
    provider, provision_request = MemoryProvider(), new_provision_request()
    await provider.provision(provision_request)
    await provider.suspend(provision_request.tenant)
    assert not provider.accepts(await provider.rotate(with_next_password(provision_request)))


async def test_its_address_leads_nowhere() -> None:
    """RFC 6761 keeps `.invalid` for that: nobody waits for a server that is not there."""
    assert (await MemoryProvider().provision(new_provision_request())).host.endswith(".invalid")
