"""A registry that is filled with records before a service opens it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, insert

from adapters.registry.rows import row_from_database
from adapters.registry.schema import DATABASES
from adapters.registry.sqlite import LOCK_TIMEOUT, create_registry_engine, prepare
from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import State
from domain.names import Nickname
from domain.targets import Isolation, Target

BATCH = 5_000

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_TARGET = Target(name="embedded", provider="embedded", isolation=Isolation.ROLE)


async def fill_registry(service_folder: Path, count: int, state: State) -> Sequence[Database]:
    """Fill the registry of the service that will run in the folder. Return its records, oldest
    first."""
    file = service_folder / "data" / "registry.sqlite3"
    file.parent.mkdir(mode=0o700, parents=True)
    await asyncio.to_thread(prepare, file, LOCK_TIMEOUT)
    engine, records = create_registry_engine(file, connections=1), list[Database]()
    for start in range(0, count, BATCH):
        batch = [_create_record(each, state) for each in range(start, min(count, start + BATCH))]
        await engine.run(partial(_insert, [row_from_database(each) for each in batch]))
        records += batch
    await engine.dispose()
    return records


def _insert(rows: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(DATABASES), rows)


def _create_record(number: int, state: State) -> Database:
    created_at = _BEGIN + timedelta(seconds=number)
    nickname = Nickname(f"Bench {number}")
    return Database(
        id=new_id(created_at, Random(number).randbytes(RANDOM_BYTES)),
        nickname=nickname,
        names=nickname.derive_names(),
        target=_TARGET,
        state=state,
        labels={"team": f"team-{number % 10}"},
        created_at=created_at,
        version=1,
    )
