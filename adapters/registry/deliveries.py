"""The queue of deliveries in one table of an SQL database."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from adapters.registry.executor import Executor
from adapters.registry.schema import DELIVERIES, WEBHOOKS
from domain.deliveries import Delivery
from ports.driven.delivery_queue import DeliveryQueue

_COLUMNS = DELIVERIES.c

_WEBHOOK_ID = _COLUMNS.webhook_id.concat(text("''"))
"""Rules out the index on the webhook, by which SQLite would read the deliveries that are not due,
too."""
_IS_DELIVERY = (
    _COLUMNS.webhook_id == bindparam("known_webhook"),
    _COLUMNS.id == bindparam("known_id"),
)
_REMOVE = delete(DELIVERIES).where(*_IS_DELIVERY)
_UPDATE = (
    update(DELIVERIES)
    .where(*_IS_DELIVERY)
    .values(
        attempts=bindparam("new_attempts"),
        due_at=bindparam("new_due_at", type_=_COLUMNS.due_at.type),
        error=bindparam("new_error"),
    )
)
_PLACE = func.row_number().over(
    partition_by=_COLUMNS.webhook_id, order_by=(_COLUMNS.due_at, _COLUMNS.number)
)


class SqlDeliveryQueue(DeliveryQueue):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def claim(
        self,
        now: datetime,
        until: datetime,
        *,
        webhooks: int,
        per_webhook: int,
        without: Collection[str] = (),
    ) -> list[Delivery]:
        is_due = and_(_COLUMNS.due_at <= now, _WEBHOOK_ID.not_in(sorted(without)))
        found = await self._executor.fetch(_select_due(is_due, webhooks, per_webhook))
        if not found:
            return []
        # of concurrent claims, the later one finds another due_at
        is_candidate = _COLUMNS.number.in_([row["number"] for row in found])
        claimed = update(DELIVERIES).where(is_candidate, is_due).values(due_at=until)
        rows = await self._executor.write_returning(claimed.returning(_COLUMNS.number), {})
        numbers = {row["number"] for row in rows}
        return [
            replace(_delivery_from_row(row), due_at=until)
            for row in found
            if row["number"] in numbers
        ]

    async def remove(self, delivery: Delivery) -> None:
        await self._executor.write(_REMOVE, _identify(delivery))

    async def update(self, delivery: Delivery) -> None:
        values = {
            "new_attempts": delivery.attempts,
            "new_due_at": delivery.due_at,
            "new_error": delivery.error,
        }
        await self._executor.write(_UPDATE, _identify(delivery) | values)


def _select_due(
    is_due: ColumnElement[bool], webhooks: int, per_webhook: int
) -> Select[tuple[Any, ...]]:
    """Select the first deliveries of the webhooks that are due longest."""
    chosen = (
        select(_WEBHOOK_ID)
        .join(WEBHOOKS, _COLUMNS.webhook_id == WEBHOOKS.c.id)
        .where(is_due)
        .group_by(_WEBHOOK_ID)
        .order_by(func.min(_COLUMNS.due_at), _WEBHOOK_ID)
        .limit(webhooks)
    )
    placed = select(DELIVERIES, _PLACE.label("place")).where(
        is_due, _COLUMNS.webhook_id.in_(chosen)
    )
    due, webhook = placed.subquery(), WEBHOOKS.c
    return (
        select(due, webhook.url, webhook.secret, webhook.nonce)
        .join(WEBHOOKS, due.c.webhook_id == webhook.id)
        .where(due.c.place <= per_webhook)
        .order_by(due.c.due_at, due.c.number)
    )


def _identify(delivery: Delivery) -> dict[str, object]:
    return {"known_webhook": delivery.webhook_id, "known_id": delivery.id}


def _delivery_from_row(row: RowMapping) -> Delivery:
    return Delivery(
        id=row["id"],
        webhook_id=row["webhook_id"],
        database_id=row["database_id"],
        url=row["url"],
        body=row["body"].encode(),
        secret=row["secret"],
        nonce=row["nonce"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        error=row["error"],
    )
