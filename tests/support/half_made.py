"""What a service that was killed leaves behind."""

from dataclasses import replace
from datetime import timedelta

from domain.database import Database
from domain.order import Order
from domain.passwords import PasswordDeriver
from domain.steps import Work
from domain.target import Isolation, Target
from ports.driving.vend import VendRequest
from tests.support.apps import SECRET, RunningApp
from tests.support.records import new_record

HERE = Target(name="memory", provider="memory", isolation=Isolation.ROLE)
"""Where an application under test makes its databases."""

PASSWORDS = PasswordDeriver(SECRET)


async def left_half_made(
    app: RunningApp, nickname: str = "left", *, key: str | None = None, promised: bool = True
) -> Database:
    """The record of a vend whose process was killed when the database stood already."""
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
    """The id of a database that bears our mark, made more than an hour ago, with no record."""
    record = new_record(nickname, target=HERE, made=app.clock.now() - timedelta(hours=2))
    await app.provider.provision(record.order(PASSWORDS))
    return record.id


async def left_half_rotated(app: RunningApp, database_id: str) -> Order:
    """The order of a rotation whose process was killed before it came to the provider."""
    registry = app.records.registry
    record = await registry.get(database_id)
    promised = replace(record, rotation=record.rotation + 1).began(Work.ROTATE, app.clock.now())
    return (await registry.update(promised)).order(PASSWORDS)


async def left_half_dropped(app: RunningApp, database_id: str) -> Database:
    """The record of a deletion that was promised, and never begun."""
    registry = app.records.registry
    record = await registry.get(database_id)
    return await registry.update(record.given_up(app.clock.now(), "It was asked for."))
