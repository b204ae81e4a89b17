"""An emulated Neon account with other tenants, in which every change is detected."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from adapters.neon.addresses import parse_address
from adapters.neon.budget import Budget
from adapters.neon.startup import NeonConfig, open_neon
from adapters.postgres.marks import Marks
from adapters.system.clock import SystemClock
from domain.connection import Connection
from domain.database import Database
from domain.provisioning import InventoryItem
from domain.secrets import Secret
from domain.targets import Isolation
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.state.catalog import Entry
from entrypoints.neon_emulator.state.project import Project
from ports.driven.database_provider import DatabaseProvider
from tests.support.embedded_servers import read_notes, write_note
from tests.support.neon.emulator import RunningEmulator, Snapshot, running_emulator
from tests.support.neon.providers import UNLIMITED, create_config
from tests.support.provision_requests import INSTALLATION, new_provision_request

ISOLATIONS = (Isolation.NONE, Isolation.PROJECT)

RESPONSE_TIMEOUT = 20.0
SHORT_RESPONSE_TIMEOUT = 1.0
"""Seconds to wait for a response: usually, and if no response will arrive."""

SPEEDUP = 100

Providers = Mapping[Isolation, DatabaseProvider]

FOREIGN = "another_clients"


class FastClock(SystemClock):
    """A clock whose sleeps take a small part of their time and count as the whole.

    Real work is not sped up, so that timeouts do not expire earlier on a slow machine.
    """

    def __init__(self) -> None:
        self._skipped = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self._skipped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEEDUP)
        self._skipped += seconds - seconds / SPEEDUP


@dataclass(frozen=True)
class AccountState:
    """The state of the account: roles and databases of the first project, projects, the providers'
    inventories, and the data that the neighbours read."""

    snapshot: Snapshot
    projects: tuple[str, ...]
    items: tuple[InventoryItem, ...]
    read_notes: tuple[str, ...]

    def with_database(self, database: Database) -> "AccountState":
        """Return this state plus one database."""
        names = database.names
        item = InventoryItem(id=database.id, database=names.database, owner=names.owner)
        state = replace(self, items=_sort((*self.items, item)))
        if database.target.isolation is Isolation.PROJECT:
            mark = Marks(INSTALLATION).of(database.tenant)
            name = f"{mark} {names.database} {names.owner}"
            return replace(state, projects=tuple(sorted((*self.projects, name))))
        return replace(state, snapshot=_add_to_snapshot(self.snapshot, names.owner, names.database))


@dataclass(frozen=True)
class FakeAccount:
    """An account with its providers, in two variants: with long and short timeouts for responses.

    `before` is the state at the beginning.
    """

    neon: RunningEmulator
    clock: FastClock
    long_timeout: Providers
    short_timeout: Providers
    neighbours: Sequence[Connection]
    before: AccountState

    async def inspect(self) -> AccountState:
        return await inspect_account(self.neon, self.long_timeout, self.neighbours)


async def inspect_account(
    neon: RunningEmulator, providers: Providers, neighbours: Sequence[Connection]
) -> AccountState:
    """Return the account's state, after operations have ended and stale reads have passed."""
    for project in list(neon.emulator.projects.values()):
        await project.operations.wait_until_idle()
        _end_staleness(project)
    items = [item for each in providers.values() for item in await each.inventory()]
    return AccountState(
        snapshot=await neon.snapshot(),
        projects=tuple(sorted(each.name for each in neon.emulator.projects.values())),
        items=_sort(items),
        read_notes=tuple([note for each in neighbours for note in await read_notes(each)]),
    )


@asynccontextmanager
async def open_fake_account() -> AsyncIterator[FakeAccount]:
    """Open an account whose operations are short."""
    behaviour = Behaviour(operation_seconds=0.02, start_compute_seconds=0.02)
    clock = FastClock()
    async with AsyncExitStack() as opened:
        neon = await opened.enter_async_context(running_emulator(behaviour, checked=False))
        long_timeout, short_timeout = [
            {
                isolation: await opened.enter_async_context(
                    open_neon(_create_config(neon, isolation, clock, timeout))
                )
                for isolation in ISOLATIONS
            }
            for timeout in (RESPONSE_TIMEOUT, SHORT_RESPONSE_TIMEOUT)
        ]
        neighbours = [
            await provider.provision(new_provision_request()) for provider in long_timeout.values()
        ]
        neighbours.append(await _create_foreign_database(neon))
        for neighbour in neighbours:
            await write_note(neighbour, neighbour.database)
        before = await inspect_account(neon, long_timeout, neighbours)
        yield FakeAccount(neon, clock, long_timeout, short_timeout, neighbours, before)


def _create_config(
    neon: RunningEmulator, isolation: Isolation, clock: FastClock, timeout: float
) -> NeonConfig:
    config = create_config(neon, isolation, response_timeout=timeout)
    return replace(config, clock=clock, budget=Budget(clock, UNLIMITED, UNLIMITED))


async def _create_foreign_database(neon: RunningEmulator) -> Connection:
    """Create a role and a database as another client of the API."""
    await neon.client.wait_until_done(await neon.client.create_role(FOREIGN))
    await neon.client.wait_until_done(await neon.client.create_database(FOREIGN, FOREIGN))
    address = parse_address(Secret(await neon.client.uri(FOREIGN, FOREIGN)))
    assert address.password
    return Connection(
        host=address.host,
        port=address.port,
        database=FOREIGN,
        user=FOREIGN,
        password=address.password,
        sslmode=address.sslmode,
    )


def _end_staleness(project: Project) -> None:
    """Show the project and its objects to all later reads."""
    project.unseen_reads = 0
    entries: list[Entry] = [*project.roles.list_all(), *project.databases.list_all()]
    for entry in entries:
        entry.unseen_reads = 0


def _sort(items: Iterable[InventoryItem]) -> tuple[InventoryItem, ...]:
    return tuple(sorted(items, key=lambda item: item.id))


def _add_to_snapshot(snapshot: Snapshot, role: str, database: str) -> Snapshot:
    return Snapshot(
        listed_roles=snapshot.listed_roles | {role},
        listed_databases=snapshot.listed_databases | {database},
        real_roles=snapshot.real_roles | {role},
        real_databases=snapshot.real_databases | {database},
    )
