"""The contract of a provider: names of a claimed spare that are in use."""

from dataclasses import replace

import pytest

from domain.errors import NameTaken
from domain.names import PgNames
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.provision_requests import new_provision_request
from tests.support.spare_requests import claim_of, claimed, filled_spare

pytestmark = only(lambda kind: kind.has_spares and kind.unique_names and kind.renames_spares)


@pytest.mark.parametrize("taken", ["both", "database", "owner"])
async def test_a_name_in_use_is_refused_and_the_spare_unchanged(
    setup: ProviderSetup, taken: str
) -> None:
    other = new_provision_request()
    async with (
        provisioned_database(setup.provider, other) as connection,
        filled_spare(setup.provider, setup.login_check) as spare,
    ):
        claim, used = claim_of(spare), other.tenant.names
        names = PgNames(
            database=claim.tenant.names.database if taken == "owner" else used.database,
            owner=claim.tenant.names.owner if taken == "database" else used.owner,
        )
        with pytest.raises(NameTaken):
            await setup.provider.provision(replace(claim, tenant=claimed(spare.tenant, names)))
        item = replace(expected_item(spare), is_spare=True)
        assert await find_in_inventory(setup.provider, spare) == [item]
        await setup.login_check.verify(connection)
        await setup.login_check.verify(await setup.provider.provision(claim))
