"""Records and databases of operations that were interrupted."""

from dataclasses import replace
from datetime import timedelta

from domain.database import Database
from domain.lifecycle import Operation
from domain.passwords import PasswordDeriver
from domain.provisioning import ProvisionRequest
from domain.targets import Isolation, Target
from ports.use_cases.create_request import CreateRequest
from tests.support.apps import SECRET, RunningApp
from tests.support.records import new_record

HERE = Target(name="memory", provider="memory", isolation=Isolation.ROLE)
"""The target of an application under test."""

PASSWORDS = PasswordDeriver(SECRET)


async def leave_half_provisioned(
    app: RunningApp, nickname: str = "left", *, key: str | None = None, resumable: bool = True
) -> Database:
    """Leave a creation interrupted after the database was provisioned, and return its record."""
    idempotency_key = CreateRequest(nickname=nickname, key=key)
    record = replace(
        new_record(nickname, target=HERE, created_at=app.clock.now()),
        idempotency_key=idempotency_key.to_idempotency_key(),
        resumable=resumable,
    )
    record = await app.records.registry.add(record)
    await app.provider.provision(record.to_provision_request(PASSWORDS))
    return record


async def leave_without_record(app: RunningApp, nickname: str = "found") -> str:
    """Leave a database of pgvend, more than an hour old, without a record, and return its id."""
    record = new_record(nickname, target=HERE, created_at=app.clock.now() - timedelta(hours=2))
    await app.provider.provision(record.to_provision_request(PASSWORDS))
    return record.id


async def leave_half_rotated(app: RunningApp, database_id: str) -> ProvisionRequest:
    """Leave a rotation interrupted before it reached the provider, and return its request."""
    registry = app.records.registry
    record = await registry.get(database_id)
    resumable = replace(record, rotation=record.rotation + 1).start(
        Operation.ROTATE, app.clock.now()
    )
    return (await registry.update(resumable)).to_provision_request(PASSWORDS)


async def leave_half_deleted(app: RunningApp, database_id: str) -> Database:
    """Leave an accepted deletion that was never started, and return its record."""
    registry = app.records.registry
    record = await registry.get(database_id)
    return await registry.update(record.abandon(app.clock.now(), "It was asked for."))
