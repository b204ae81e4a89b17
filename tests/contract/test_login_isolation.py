"""What every provider that declares isolation promises of a tenant's login."""

from dataclasses import replace

import pytest

from domain.errors import ProviderRejected
from tests.contract.conftest import kinds
from tests.contract.subjects import Subject
from tests.support.databases import vended
from tests.support.orders import new_order

kind = kinds(lambda kind: kind.isolates)


async def test_a_neighbours_database_is_refused(subject: Subject) -> None:
    async with (
        vended(subject.provider, new_order()) as connection,
        vended(subject.provider, new_order()) as other,
    ):
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(replace(connection, database=other.database))
