"""The contract of a provider: extensions."""

from dataclasses import replace

import pytest

from domain.errors import DatabaseNotFound, ExtensionUnavailable
from domain.provisioning import Order
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, vended
from tests.support.provision_requests import new_order

EVERYWHERE = "plpgsql"
"""An extension that every server has and every database has installed."""


def _with(order: Order, *extensions: str) -> Order:
    return replace(order, extensions=extensions)


async def test_extensions_are_listed_once_ordered_by_name(subject: Subject) -> None:
    names = [extension.name for extension in await subject.provider.extensions()]

    assert EVERYWHERE in names
    assert names == sorted(set(names))


async def test_a_listed_extension_can_be_provisioned(subject: Subject) -> None:
    listed = await subject.provider.extensions()
    wanted = max(listed, key=lambda extension: extension.name in {"vector", "hstore"}).name
    order = _with(new_order(), wanted)
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)


async def test_an_unlisted_extension_is_refused_before_anything_is_created(
    subject: Subject,
) -> None:
    order = _with(new_order(), EVERYWHERE, "no_such_extension")

    with pytest.raises(ExtensionUnavailable, match=rf"'no_such_extension' .*{EVERYWHERE}"):
        await subject.provider.provision(order)

    assert await held(subject.provider, order) == []


async def test_a_refused_extension_leaves_the_names_free(subject: Subject) -> None:
    order = new_order()
    with pytest.raises(ExtensionUnavailable):
        await subject.provider.provision(_with(order, "no_such_extension"))
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)


async def test_an_extension_can_be_installed_later_idempotently(subject: Subject) -> None:
    listed = await subject.provider.extensions()
    order = new_order()
    extended = _with(order, *[extension.name for extension in listed[:2]])
    async with vended(subject.provider, order) as connection:
        await subject.provider.install(extended)
        await subject.provider.install(extended)
        await subject.login_check.verify(connection)
        assert await subject.provider.provision(extended) == connection


async def test_an_extension_that_cannot_be_installed_changes_nothing(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await subject.provider.install(_with(order, "no_such_extension"))
        await subject.login_check.verify(connection)
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_an_extension_cannot_be_installed_in_a_missing_database(subject: Subject) -> None:
    order = _with(new_order(), EVERYWHERE)

    with pytest.raises(DatabaseNotFound):
        await subject.provider.install(order)

    assert await held(subject.provider, order) == []
