"""What every provider promises of revealing what is not there, where it is asked for passwords."""

import pytest

from domain.errors import DatabaseNotFound
from tests.contract.conftest import kinds
from tests.contract.subjects import Subject
from tests.support.databases import namesake, vended
from tests.support.orders import new_order

kind = kinds(lambda kind: not kind.chooses_passwords)


async def test_what_never_was_has_no_password(subject: Subject) -> None:
    with pytest.raises(DatabaseNotFound):
        await subject.provider.reveal(new_order())


async def test_what_is_retired_has_no_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.retire(order.tenant)
        with pytest.raises(DatabaseNotFound):
            await subject.provider.reveal(order)


async def test_another_id_of_the_same_names_learns_no_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        with pytest.raises(DatabaseNotFound):
            await subject.provider.reveal(namesake(order))
