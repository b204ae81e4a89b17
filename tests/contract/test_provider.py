"""The contract of a provider: provisioning, and revealing connections."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import DatabaseNotFound, ExtensionUnavailable
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.provision_requests import new_order, rotated


async def test_a_provisioned_database_works_and_provisioning_is_idempotent(
    subject: Subject,
) -> None:
    order = new_order()
    await subject.provider.ping()
    assert await held(subject.provider, order) == []
    async with vended(subject.provider, order) as connection:
        names = order.tenant.names
        assert (connection.database, connection.user) == (names.database, names.owner)
        await subject.login_check.verify(connection)
        assert await held(subject.provider, order) == [holding_of(order)]

        assert await subject.provider.provision(order) == connection
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(connection)


async def test_no_printable_text_contains_the_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        texts = [f"{it!r} {it!s}" for it in (order, connection, subject.provider)]
        secrets = {order.password.reveal(), connection.password.reveal()}
        assert [text for text in texts for secret in secrets if secret in text] == []


async def test_names_may_have_63_bytes(subject: Subject) -> None:
    order = new_order(f"{new_order().tenant.id} {'long' * 20}")
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_five_concurrent_provisions_create_one_database(subject: Subject) -> None:
    order = new_order()
    try:
        connections = await asyncio.gather(*[subject.provider.provision(order) for _ in range(5)])
        assert len(set(connections)) == 1
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(connections[0])
    finally:
        await subject.provider.delete(order.tenant)


async def test_a_concurrent_provision_and_deletion_end_in_one_of_the_two(subject: Subject) -> None:
    order = new_order()
    for _ in range(3):
        outcomes = await asyncio.gather(
            subject.provider.provision(order),
            subject.provider.delete(order.tenant),
            return_exceptions=True,
        )
        assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
        assert await held(subject.provider, order) in ([], [holding_of(order)])
    await subject.provider.delete(order.tenant)
    assert await held(subject.provider, order) == []


async def test_many_concurrent_provisions_work_and_are_listed_by_id(subject: Subject) -> None:
    orders = [new_order() for _ in range(subject.crowd)]
    try:
        connections = await asyncio.gather(*map(subject.provider.provision, orders[::-1]))
        await asyncio.gather(*map(subject.login_check.verify, connections))
        inventory = await subject.provider.inventory()
        assert [order for order in orders if holding_of(order) not in inventory] == []
        assert inventory == sorted(inventory, key=lambda holding: holding.id)
    finally:
        await asyncio.gather(*(subject.provider.delete(order.tenant) for order in orders))


async def test_an_unavailable_extension_is_refused(subject: Subject) -> None:
    order = replace(new_order(), extensions=("no_such_extension",))
    try:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await subject.provider.provision(order)
    finally:
        await subject.provider.delete(order.tenant)


async def test_reveal_returns_the_provisioned_connection_and_changes_nothing(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        inventory = await subject.provider.inventory()
        with_extension = replace(order, extensions=("no_such_extension",))
        orders = [order, order, order, with_extension]
        assert await asyncio.gather(*map(subject.provider.reveal, orders)) == [connection] * 4
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)


async def test_reveal_returns_the_newest_connection(subject: Subject) -> None:
    """After each rotation, and after a suspension was lifted."""
    order = new_order()
    async with vended(subject.provider, order):
        for rotation in (1, 2):
            new = rotated(order, rotation)
            connection = await subject.provider.rotate(new)
            assert await subject.provider.reveal(new) == connection
            await subject.login_check.verify(connection)
        await subject.provider.suspend(order.tenant)
        connection = await subject.provider.provision(order)
        assert await subject.provider.reveal(order) == connection
        await subject.login_check.verify(connection)


async def test_reveal_provisions_nothing(subject: Subject) -> None:
    """If the provider chooses passwords, an error says that there is none."""
    order = new_order()
    await asyncio.gather(subject.provider.reveal(order), return_exceptions=True)
    assert await held(subject.provider, order) == []


@only(lambda kind: not kind.chooses_passwords)
async def test_revealing_a_missing_tenant_raises_if_the_provider_chooses_passwords(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        for other in (new_order(), namesake(order)):
            with pytest.raises(DatabaseNotFound):
                await subject.provider.reveal(other)
        await subject.provider.delete(order.tenant)
        with pytest.raises(DatabaseNotFound):
            await subject.provider.reveal(order)
