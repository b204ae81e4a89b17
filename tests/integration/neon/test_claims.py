"""Claims on names: pgvend owns only roles created under a claim."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from adapters.neon.api_provider import ApiProvider
from adapters.neon.claims import Claim, ClaimStore
from domain.errors import DatabaseNotFound, NameTaken, OutcomeUnknown, ProviderBusy, ProviderLocked
from domain.provisioning import ProvisionRequest
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import expected_item, find_in_inventory
from tests.support.neon.checks import can_log_in, no_changes, record_requests, with_retries
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now, running_emulator
from tests.support.neon.providers import provider_on
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request

NONE, PROJECT = Isolation.NONE, Isolation.PROJECT

Call = Callable[[DatabaseProvider, ProvisionRequest], Awaitable[None]]


@pytest.mark.parametrize("seconds", [2, 5])
async def test_a_role_older_than_the_claim_is_neither_imported_nor_deleted(
    neon: RunningEmulator, seconds: int
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, NONE) as provider:
        with override_behaviour_now(neon):
            neon.add_fault("create_role", "reset_before")
            with pytest.raises(OutcomeUnknown):
                await provider.provision(provision_request)

        async with _foreign_role(neon, provision_request, age=seconds):
            await provider.inventory()  # omits the role
            with pytest.raises(NameTaken):
                await provider.provision(provision_request)
            await provider.delete(provision_request.tenant)


async def test_a_role_created_before_the_request_is_not_imported(
    neon: RunningEmulator,
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, NONE) as provider:
        with override_behaviour_now(neon):
            neon.add_fault("create_role", "locked")
            with pytest.raises(ProviderLocked):
                await provider.provision(provision_request)

        async with _foreign_role(neon, provision_request):
            with pytest.raises(NameTaken):
                await provider.provision(provision_request)
            await provider.delete(provision_request.tenant)


@pytest.mark.parametrize("kind", ["role", "database"])
async def test_a_name_in_use_is_refused_by_the_claim_without_a_request(
    neon: RunningEmulator, kind: str
) -> None:
    """If the request were sent and lost, a role of that name could be either client's."""
    provision_request = new_provision_request()
    names = provision_request.tenant.names
    name = names.owner if kind == "role" else names.database
    await neon.client.wait_until_done(await neon.client.create(kind, name))
    async with provider_on(neon, NONE) as provider, no_changes(neon):
        requests = record_requests(neon)
        with pytest.raises(NameTaken):
            await provider.provision(provision_request)

        assert requests.all() == []
    await neon.client.wait_until_done(await neon.client.delete(kind, name))


async def test_a_new_database_takes_no_requests_but_its_changes_and_their_ends(
    neon: RunningEmulator,
) -> None:
    """An account may send few requests a minute, which limits how many databases it creates."""
    async with provider_on(neon, NONE) as provider:
        requests = record_requests(neon)
        await provider.provision(new_provision_request())

        reads = [path for method, path, _ in requests.all() if method == "GET"]
        assert len(requests.changes()) == 2
        assert all("/operations" in path for path in reads)


async def _provision(provider: DatabaseProvider, provision_request: ProvisionRequest) -> None:
    with pytest.raises(NameTaken):
        await provider.provision(provision_request)


async def _delete(provider: DatabaseProvider, provision_request: ProvisionRequest) -> None:
    await provider.delete(provision_request.tenant)


async def _use(provider: DatabaseProvider, provision_request: ProvisionRequest) -> None:
    await provider.suspend(provision_request.tenant)
    for read in (provider.rotate, provider.reveal):
        with pytest.raises(DatabaseNotFound):
            await read(provision_request)
    assert await find_in_inventory(provider, provision_request) == []
    await provider.delete(provision_request.tenant)


@pytest.mark.parametrize("failures", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("call", [_provision, _delete, _use])
async def test_an_unreleased_claim_does_not_import_a_foreign_role(
    neon: RunningEmulator, failures: int | None, call: Call
) -> None:
    provision_request = new_provision_request()
    async with (
        _provider_with_failing_release(neon, failures) as provider,
        _foreign_role(neon, provision_request),
    ):
        with pytest.raises(NameTaken):
            await provider.provision(provision_request)

        await call(provider, provision_request)


async def test_a_database_under_an_unreleased_claim_is_deleted(
    neon: RunningEmulator,
) -> None:
    provision_request = new_provision_request()
    async with _provider_with_failing_release(neon, 1) as provider, no_changes(neon):
        with override_behaviour_now(neon):
            neon.add_fault("create_role", "locked")
            with pytest.raises(ProviderLocked):
                await provider.provision(provision_request)
        assert await can_log_in(await provider.provision(provision_request))
        assert await find_in_inventory(provider, provision_request) == [
            expected_item(provision_request)
        ]

        await provider.delete(provision_request.tenant)


async def test_services_that_start_at_once_create_one_table_of_claims() -> None:
    async with running_emulator(checked=False) as neon:
        await asyncio.gather(*(_start(neon) for _ in range(4)))

        async with provider_on(neon, NONE) as provider:
            assert isinstance(provider, ApiProvider)
            async with _uncommitted_table(neon):
                creations = asyncio.gather(*(provider.claims.create_table() for _ in range(4)))
                await wait_until(lambda: _wait_for_locks(neon, 4))
            await creations

            assert await provider.inventory() == []


@pytest.mark.parametrize("isolation", [NONE, PROJECT])
async def test_extensions_are_installed_after_a_late_login_works(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = replace(
        new_provision_request(), extensions=("plpgsql",)
    )  # the only one of the bundled server
    async with provider_on(neon, isolation) as provider, no_changes(neon):
        with override_behaviour_now(neon, late_seconds=1.0):
            connection = await with_retries(lambda: provider.provision(provision_request))

        assert await can_log_in(connection)
        await provider.delete(provision_request.tenant)


@asynccontextmanager
async def _foreign_role(
    neon: RunningEmulator, provision_request: ProvisionRequest, age: int = 0
) -> AsyncIterator[None]:
    """Create a foreign role of the tenant's name, `age` seconds old, that the next list omits.

    Check at the end that it still exists with its password, and delete it.
    """
    owner = provision_request.tenant.names.owner
    neon.add_fault("create_role", "stale_404", reads=1)
    await neon.client.wait_until_done(await neon.client.create_role(owner))
    role = neon.emulator.first.roles.find(owner)
    assert role
    role.created_at -= timedelta(seconds=age)
    uri = await neon.client.uri(owner, "neondb")

    yield

    assert await neon.client.uri(owner, "neondb") == uri
    assert owner in (await neon.snapshot()).real_roles
    await neon.client.wait_until_done(await neon.client.delete_role(owner))


@dataclass(frozen=True)
class FailingClaimStore(ClaimStore):
    """A table of claims whose `release` raises these errors first."""

    errors: Iterator[ProviderBusy] = field(kw_only=True)

    async def release(self, claim: Claim) -> None:
        for error in self.errors:
            raise error
        await super().release(claim)


@asynccontextmanager
async def _provider_with_failing_release(
    neon: RunningEmulator, failures: int | None
) -> AsyncIterator[DatabaseProvider]:
    errors = itertools.repeat(ProviderBusy(), *([failures] if failures else []))
    async with provider_on(neon, NONE) as provider:
        assert isinstance(provider, ApiProvider)
        claims = FailingClaimStore(provider.claims.admin, provider.claims.marks, errors=errors)
        yield replace(provider, claims=claims)


@asynccontextmanager
async def _uncommitted_table(neon: RunningEmulator) -> AsyncIterator[None]:
    """Drop the table of claims; creating it blocks until the context exits."""
    async with neon.session() as admin:
        await admin.execute("DROP TABLE pgvend.claims")
        transaction = admin.transaction()
        await transaction.start()
        await admin.execute("CREATE TABLE pgvend.claims ()")
        yield
        await transaction.rollback()


async def _wait_for_locks(neon: RunningEmulator, sessions: int) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with neon.session() as admin:
        return bool(await admin.fetchval(query) == sessions)


async def _start(neon: RunningEmulator) -> None:
    async with provider_on(neon, NONE) as provider:
        await provider.inventory()
