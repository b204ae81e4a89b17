"""Records and databases of operations that were interrupted."""

from dataclasses import replace
from datetime import timedelta

from domain.database import Database
from domain.lifecycle import Work
from domain.passwords import PasswordDeriver
from domain.provisioning import Order
from domain.targets import Isolation, Target
from ports.use_cases.create_database import VendRequest
from tests.support.apps import SECRET, RunningApp
from tests.support.records import new_record

HERE = Target(name="memory", provider="memory", isolation=Isolation.ROLE)
"""The target of an application under test."""

PASSWORDS = PasswordDeriver(SECRET)


async def left_half_made(
    app: RunningApp, nickname: str = "left", *, key: str | None = None, promised: bool = True
) -> Database:
    """Leave a creation interrupted after the database was provisioned, and return its record."""
    request = VendRequest(nickname=nickname, key=key)
    record = replace(
        new_record(nickname, target=HERE, made=app.clock.now()),
        request=request.mark(),
        promised=promised,
    )
    record = await app.records.registry.add(record)
    await app.provider.provision(record.order(PASSWORDS))
    return record


async def left_without_record(app: RunningApp, nickname: str = "found") -> str:
    """Leave a database of pgvend, more than an hour old, without a record, and return its id."""
    record = new_record(nickname, target=HERE, made=app.clock.now() - timedelta(hours=2))
    await app.provider.provision(record.order(PASSWORDS))
    return record.id


async def left_half_rotated(app: RunningApp, database_id: str) -> Order:
    """Leave a rotation interrupted before it reached the provider, and return its request."""
    registry = app.records.registry
    record = await registry.get(database_id)
    promised = replace(record, rotation=record.rotation + 1).began(Work.ROTATE, app.clock.now())
    return (await registry.update(promised)).order(PASSWORDS)


async def left_half_dropped(app: RunningApp, database_id: str) -> Database:
    """Leave an accepted deletion that was never started, and return its record."""
    registry = app.records.registry
    record = await registry.get(database_id)
    return await registry.update(record.given_up(app.clock.now(), "It was asked for."))
