"""Every provider and every registry, bare and decorated, on every supported PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pytest

from adapters.registry.stores import Stores
from domain.targets import Isolation
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from tests.contract import registries
from tests.contract.live import IS_LIVE, live
from tests.contract.provider_kinds import (
    OpenSetup,
    ProviderSetup,
    allow_overlap,
    decorated,
    embedded,
    memory,
    neon_by_api,
    neon_by_project,
    neon_by_role,
    postgres,
    replicas,
    wrap_with_lock_retries,
)
from tests.contract.registries import RegistryKind


@dataclass(frozen=True)
class ProviderKind:
    """How to open a provider for the tests: `make` gets the value of the session's fixture `base`.

    The flags name what some providers do not support: passwords of our choice, names that are
    unique among tenants, isolation of tenants, sessions with data, size limits, roles that others
    can rename, spares, spares with names that their claim replaces, and copies.
    """

    make: OpenSetup
    base: str | None = None
    decorate: Callable[[ProviderSetup], ProviderSetup] | None = None
    chooses_passwords: bool = True
    unique_names: bool = True
    isolates: bool = True
    has_sessions: bool = True
    guards_sizes: bool = True
    renames: bool = True
    has_spares: bool = True
    renames_spares: bool = True
    copies: bool = True


on_neon = partial(ProviderKind, base="neon", guards_sizes=False, copies=False)
by_api = partial(on_neon, chooses_passwords=False, isolates=False, renames=False, has_spares=False)
by_project = partial(
    on_neon,
    chooses_passwords=False,
    unique_names=False,
    renames=False,
    renames_spares=False,
)

KINDS = {
    "memory": ProviderKind(memory, has_sessions=False, renames=False),
    "memory-decorated": ProviderKind(memory, decorate=decorated, has_sessions=False, renames=False),
    "embedded-16": ProviderKind(embedded, "bundled_16"),
    "embedded-18": ProviderKind(embedded, "bundled_18"),
    "embedded-18-decorated": ProviderKind(embedded, "bundled_18", decorate=decorated),
    "postgres-15": ProviderKind(postgres, "server_15"),
    "postgres-16": ProviderKind(postgres, "server_16"),
    "postgres-18, two replicas": ProviderKind(replicas, "server_18"),
    "neon-none": by_api(allow_overlap(neon_by_api)),
    "neon-none-decorated": by_api(neon_by_api, decorate=wrap_with_lock_retries(Isolation.NONE)),
    "neon-role": on_neon(neon_by_role),
    "neon-role-decorated": on_neon(neon_by_role, decorate=wrap_with_lock_retries(Isolation.ROLE)),
    "neon-project": by_project(allow_overlap(neon_by_project)),
    "neon-project-decorated": by_project(
        neon_by_project, decorate=wrap_with_lock_retries(Isolation.PROJECT)
    ),
}

if IS_LIVE:
    KINDS |= {
        "neon-live-none": by_api(partial(live, isolation=Isolation.NONE), base=None),
        "neon-live-role": on_neon(partial(live, isolation=Isolation.ROLE), base=None),
        "neon-live-project": by_project(partial(live, isolation=Isolation.PROJECT), base=None),
    }


def only(keeps: Callable[[ProviderKind], bool]) -> pytest.MarkDecorator:
    """Parametrize with the kinds that support the tested behaviour."""
    chosen = {name: kind for name, kind in KINDS.items() if keeps(kind)}
    return pytest.mark.parametrize("kind", chosen.values(), ids=list(chosen))


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> ProviderKind:
    return cast("ProviderKind", request.param)


@pytest.fixture
def base(request: pytest.FixtureRequest, kind: ProviderKind) -> Any:
    """Resolve the fixture outside the loop: only there can pytest-asyncio start the servers."""
    return request.getfixturevalue(kind.base) if kind.base else None


@pytest.fixture
async def setup(kind: ProviderKind, base: Any) -> AsyncIterator[ProviderSetup]:
    """Open the provider, and check that the test cleaned up after itself."""
    async with kind.make(base) as bare:
        provisioned = kind.decorate(bare) if kind.decorate else bare
        before = await provisioned.provider.inventory()
        yield provisioned
        assert await provisioned.provider.inventory() == before, "the test left something behind"


@pytest.fixture(params=registries.KINDS.values(), ids=list(registries.KINDS))
def registry_kind(request: pytest.FixtureRequest) -> RegistryKind:
    return cast("RegistryKind", request.param)


@pytest.fixture
def registry_base(request: pytest.FixtureRequest, registry_kind: RegistryKind) -> Any:
    return request.getfixturevalue(registry_kind.base) if registry_kind.base else None


@pytest.fixture
async def stores(registry_kind: RegistryKind, registry_base: Any) -> AsyncIterator[Stores]:
    async with registry_kind.open(registry_base) as stores:
        yield stores


@pytest.fixture
def registry(stores: Stores) -> Registry:
    return stores.registry


@pytest.fixture
def leases(stores: Stores) -> Leases:
    return stores.leases
