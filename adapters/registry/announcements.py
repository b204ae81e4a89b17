"""How far events were announced, and their deliveries, in tables of an SQL database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, update

from adapters.registry.executor import Executor
from adapters.registry.schema import ANNOUNCED, DATABASES, DELIVERIES, PROGRESS, WEBHOOKS
from domain.deliveries import Delivery
from domain.lifecycle import State
from domain.webhook_events import Progress
from ports.driven.announcements import Announcements

ONLY_ROW = 1

# no parameter has a column's name, which SQLAlchemy reserves for the values of a statement
_DELIVERY = {
    column.key: bindparam(f"new_{column.key}", type_=column.type)
    for column in DELIVERIES.c
    if column.key != "number"
}
_IS_KNOWN = exists().where(
    DELIVERIES.c.webhook_id == _DELIVERY["webhook_id"], DELIVERIES.c.id == _DELIVERY["id"]
)
_HAS_WEBHOOK = exists().where(WEBHOOKS.c.id == _DELIVERY["webhook_id"])
_ADD_DELIVERY = insert(DELIVERIES).from_select(
    list(_DELIVERY), select(*_DELIVERY.values()).where(_HAS_WEBHOOK, ~_IS_KNOWN)
)

_PROGRESS = {column.key: bindparam(f"new_{column.key}", type_=column.type) for column in PROGRESS.c}
_IS_OF_RECORD = PROGRESS.c.database_id == _PROGRESS["database_id"]
_ADVANCE = (
    update(PROGRESS)
    .where(_IS_OF_RECORD, PROGRESS.c.step <= _PROGRESS["step"])
    .values(step=_PROGRESS["step"], expiry=_PROGRESS["expiry"])
)
_BEGIN = insert(PROGRESS).from_select(
    list(_PROGRESS), select(*_PROGRESS.values()).where(~exists().where(_IS_OF_RECORD))
)

_PERIOD = {column.key: bindparam(f"new_{column.key}", type_=column.type) for column in ANNOUNCED.c}
_EXTEND_PERIOD = update(ANNOUNCED).values(ends_at=_PERIOD["ends_at"])
_BEGIN_PERIOD = insert(ANNOUNCED).from_select(
    list(_PERIOD), select(*_PERIOD.values()).where(~exists().where(ANNOUNCED.c.id == _PERIOD["id"]))
)

_PLACE = func.row_number().over(
    partition_by=DELIVERIES.c.webhook_id, order_by=DELIVERIES.c.number.desc()
)
_GIVEN_UP = (
    select(DELIVERIES.c.number, _PLACE.label("place"))
    .where(DELIVERIES.c.due_at.is_(None))
    .subquery()
)
_TOO_MANY = select(_GIVEN_UP.c.number).where(
    _GIVEN_UP.c.place > bindparam("kept", type_=DELIVERIES.c.attempts.type)
)
_DISCARD = delete(DELIVERIES).where(
    or_(
        DELIVERIES.c.number.in_(_TOO_MANY),
        DELIVERIES.c.webhook_id.not_in(select(WEBHOOKS.c.id)),
    )
)


class SqlAnnouncements(Announcements):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def find_progress(self, database_ids: Collection[str]) -> Mapping[str, Progress]:
        found = select(PROGRESS).where(PROGRESS.c.database_id.in_(sorted(database_ids)))
        return {
            row["database_id"]: Progress(step=row["step"], expiry=row["expiry"])
            for row in await self._executor.fetch(found)
        }

    async def store(self, progress: Mapping[str, Progress], deliveries: Sequence[Delivery]) -> None:
        records = [*map(_name_progress, progress.items())]
        added = [*map(_name_delivery, deliveries)]
        await self._executor.write_all(
            [(_ADVANCE, records), (_BEGIN, records), (_ADD_DELIVERY, added)]
        )

    async def list_expiring(self, now: datetime, until: datetime, limit: int) -> list[str]:
        record = DATABASES.c
        announced = and_(
            PROGRESS.c.database_id == record.id, PROGRESS.c.expiry == record.expires_at
        )
        expiring = (
            select(record.id)
            .outerjoin(PROGRESS, announced)
            .where(
                PROGRESS.c.database_id.is_(None),
                record.wake_at <= until,  # at the latest its expiry, and indexed
                record.expires_at <= until,
                record.expires_at > now,
                record.state.concat("") == State.READY,
                record.shape == "",
            )
        )
        rows = await self._executor.fetch(expiring.order_by(record.expires_at).limit(limit))
        return [row["id"] for row in rows]

    async def find_end(self) -> datetime | None:
        rows = await self._executor.fetch(select(ANNOUNCED.c.ends_at))
        return rows[0]["ends_at"] if rows else None

    async def store_end(self, until: datetime) -> None:
        values = {"new_id": ONLY_ROW, "new_ends_at": until}
        await self._executor.write_all([(_EXTEND_PERIOD, [values]), (_BEGIN_PERIOD, [values])])

    async def discard(self, keep: int) -> None:
        await self._executor.write(_DISCARD, {"kept": keep})


def _name_progress(item: tuple[str, Progress]) -> Mapping[str, Any]:
    """Return the values of the row, by the names of the parameters."""
    database_id, progress = item
    return {
        "new_database_id": database_id,
        "new_step": progress.step,
        "new_expiry": progress.expiry,
    }


def _name_delivery(delivery: Delivery) -> Mapping[str, Any]:
    """Return the values of the row, by the names of the parameters."""
    row = {name: getattr(delivery, name) for name in _DELIVERY} | {"body": delivery.body.decode()}
    return {f"new_{name}": value for name, value in row.items()}
