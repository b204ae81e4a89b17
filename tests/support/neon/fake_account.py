"""An emulated Neon account with other tenants, in which every change is detected."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from adapters.neon.budget import Budget
from adapters.neon.startup import Neon, opened_neon
from adapters.neon.uris import address_of
from adapters.postgres.inspection import Marks
from adapters.system.clock import SystemClock
from domain.connection import Connection
from domain.database import Database
from domain.provisioning import Holding
from domain.secrets import Secret
from domain.targets import Isolation
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.state.catalog import Entry
from entrypoints.neon_emulator.state.project import Project
from ports.driven.database_provider import DatabaseProvider
from tests.support.embedded_servers import keep_note, notes
from tests.support.neon.emulator import RunningEmulator, Snapshot, running_emulator
from tests.support.neon.providers import UNBOUNDED, settings_on
from tests.support.provision_requests import INSTALLATION, new_order

ISOLATIONS = (Isolation.NONE, Isolation.PROJECT)

PATIENCE = 20.0
SHORT_PATIENCE = 1.0
"""Seconds to wait for a response: usually, and if none will arrive."""

HURRY = 100

Providers = Mapping[Isolation, DatabaseProvider]

FOREIGN = "somebody_elses"


class HurriedClock(SystemClock):
    """A clock whose sleeps take a small part of their time and count as the whole.

    Real work is not sped up, so that timeouts do not expire earlier on a slow machine.
    """

    def __init__(self) -> None:
        self._skipped = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self._skipped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)
        self._skipped += seconds - seconds / HURRY


@dataclass(frozen=True)
class Sight:
    """The state of the account: roles and databases of the first project, projects, the providers'
    inventories, and the data that the neighbours read."""

    snapshot: Snapshot
    projects: tuple[str, ...]
    holdings: tuple[Holding, ...]
    notes: tuple[str, ...]

    def with_database(self, database: Database) -> "Sight":
        """Return this state plus one database."""
        names = database.names
        item = Holding(id=database.id, database=names.database, owner=names.owner)
        state = replace(self, holdings=_sorted((*self.holdings, item)))
        if database.target.isolation is Isolation.PROJECT:
            mark = Marks(INSTALLATION).of(database.tenant)
            name = f"{mark} {names.database} {names.owner}"
            return replace(state, projects=tuple(sorted((*self.projects, name))))
        return replace(state, snapshot=_grown(self.snapshot, names.owner, names.database))


@dataclass(frozen=True)
class Street:
    """An account with its providers, in two variants: with long and short timeouts for responses.

    `before` is the state at the beginning.
    """

    neon: RunningEmulator
    clock: HurriedClock
    patient: Providers
    hasty: Providers
    neighbours: Sequence[Connection]
    before: Sight

    async def inspect(self) -> Sight:
        return await seen(self.neon, self.patient, self.neighbours)


async def seen(
    neon: RunningEmulator, providers: Providers, neighbours: Sequence[Connection]
) -> Sight:
    """Return the account's state, after operations have ended and stale reads have passed."""
    for project in list(neon.emulator.projects.values()):
        await project.operations.idle()
        _show(project)
    items = [item for each in providers.values() for item in await each.inventory()]
    return Sight(
        snapshot=await neon.snapshot(),
        projects=tuple(sorted(each.name for each in neon.emulator.projects.values())),
        holdings=_sorted(items),
        notes=tuple([note for each in neighbours for note in await notes(each)]),
    )


@asynccontextmanager
async def opened_street() -> AsyncIterator[Street]:
    """Open an account whose operations are short."""
    behaviour = Behaviour(operation_seconds=0.02, start_compute_seconds=0.02)
    clock = HurriedClock()
    async with AsyncExitStack() as opened:
        neon = await opened.enter_async_context(running_emulator(behaviour, checked=False))
        patient, hasty = [
            {
                isolation: await opened.enter_async_context(
                    opened_neon(_settings(neon, isolation, clock, patience))
                )
                for isolation in ISOLATIONS
            }
            for patience in (PATIENCE, SHORT_PATIENCE)
        ]
        neighbours = [await provider.provision(new_order()) for provider in patient.values()]
        neighbours.append(await _foreigner(neon))
        for neighbour in neighbours:
            await keep_note(neighbour, neighbour.database)
        before = await seen(neon, patient, neighbours)
        yield Street(neon, clock, patient, hasty, neighbours, before)


def _settings(
    neon: RunningEmulator, isolation: Isolation, clock: HurriedClock, patience: float
) -> Neon:
    usual = settings_on(neon, isolation, answer_timeout=patience)
    return replace(usual, clock=clock, budget=Budget(clock, UNBOUNDED, UNBOUNDED))


async def _foreigner(neon: RunningEmulator) -> Connection:
    """Create a role and a database as another client of the API."""
    await neon.client.wait_until_done(await neon.client.create_role(FOREIGN))
    await neon.client.wait_until_done(await neon.client.create_database(FOREIGN, FOREIGN))
    address = address_of(Secret(await neon.client.uri(FOREIGN, FOREIGN)))
    assert address.password
    return Connection(
        host=address.host,
        port=address.port,
        database=FOREIGN,
        user=FOREIGN,
        password=address.password,
        sslmode=address.sslmode,
    )


def _show(project: Project) -> None:
    """Show the project and its objects to all later reads."""
    project.unseen_reads = 0
    entries: list[Entry] = [*project.roles.all(), *project.databases.all()]
    for entry in entries:
        entry.unseen_reads = 0


def _sorted(items: Iterable[Holding]) -> tuple[Holding, ...]:
    return tuple(sorted(items, key=lambda item: item.id))


def _grown(snapshot: Snapshot, role: str, database: str) -> Snapshot:
    return Snapshot(
        listed_roles=snapshot.listed_roles | {role},
        listed_databases=snapshot.listed_databases | {database},
        real_roles=snapshot.real_roles | {role},
        real_databases=snapshot.real_databases | {database},
    )
