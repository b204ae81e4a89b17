"""Webhooks in one table of an SQL database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from adapters.registry.executor import Executor, is_storable
from adapters.registry.schema import DELIVERIES, WEBHOOKS
from domain.errors import TooManyWebhooks, Unavailable
from domain.event_types import EventType
from domain.webhooks import DeliverySummary, Webhook
from ports.driven.webhook_store import WebhookStore

_COLUMNS = WEBHOOKS.c

# no parameter has a column's name, which SQLAlchemy reserves for the values of a statement
_NEW = {column.key: bindparam(f"new_{column.key}", type_=column.type) for column in _COLUMNS}
_COUNT_OF_CALLER = (
    select(func.count())
    .select_from(WEBHOOKS)
    .where(_COLUMNS.caller == _NEW["caller"])
    .correlate(None)
    .scalar_subquery()
)
_ADD = insert(WEBHOOKS).from_select(
    list(_NEW),
    select(*_NEW.values()).where(
        bindparam("most", type_=DELIVERIES.c.attempts.type) > _COUNT_OF_CALLER
    ),
)
_LOCK_CALLER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('pgvend webhooks ' || :new_caller, 0))"
)
_UPDATE_SECRET = (
    update(WEBHOOKS)
    .where(_COLUMNS.id == _NEW["id"])
    .values(secret=_NEW["secret"], nonce=_NEW["nonce"])
)
_REMOVE = delete(WEBHOOKS).where(_COLUMNS.id == bindparam("known_id"))
_REMOVE_DELIVERIES = delete(DELIVERIES).where(DELIVERIES.c.webhook_id == bindparam("known_id"))
_NEWEST_FIRST = select(WEBHOOKS).order_by(_COLUMNS.created_at.desc(), _COLUMNS.id.desc())
_COUNT_DELIVERIES = select(
    DELIVERIES.c.webhook_id,
    func.count(DELIVERIES.c.due_at).label("waiting"),
    (func.count() - func.count(DELIVERIES.c.due_at)).label("given_up"),
).group_by(DELIVERIES.c.webhook_id)
_LATEST_FAILED = (
    select(func.max(DELIVERIES.c.number))
    .where(DELIVERIES.c.error != "")
    .group_by(DELIVERIES.c.webhook_id)
)
_LAST_ERRORS = select(DELIVERIES.c.webhook_id, DELIVERIES.c.error).where(
    DELIVERIES.c.number.in_(_LATEST_FAILED)
)


class SqlWebhookStore(WebhookStore):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, webhook: Webhook, limit: int) -> None:
        values = {"most": limit} | _name(webhook)
        if not await self._executor.write(_ADD, values, first=_LOCK_CALLER):
            raise TooManyWebhooks

    async def find(self, webhook_id: str) -> Webhook | None:
        if not is_storable(webhook_id):
            return None
        rows = await self._executor.fetch(select(WEBHOOKS).where(_COLUMNS.id == webhook_id))
        return _read_row(rows[0]) if rows else None

    async def list_all(self, caller: str | None = None) -> list[Webhook]:
        found = _NEWEST_FIRST if caller is None else _NEWEST_FIRST.where(_COLUMNS.caller == caller)
        return [_read_row(row) for row in await self._executor.fetch(found)]

    async def update_secret(self, webhook: Webhook) -> None:
        values = {"new_id": webhook.id, "new_secret": webhook.secret, "new_nonce": webhook.nonce}
        await self._executor.write(_UPDATE_SECRET, values)

    async def remove(self, webhook_id: str) -> None:
        values = {"known_id": webhook_id}
        if is_storable(webhook_id):
            await self._executor.write_all([(_REMOVE, [values]), (_REMOVE_DELIVERIES, [values])])

    async def summarize(self) -> Mapping[str, DeliverySummary]:
        errors = {
            row["webhook_id"]: row["error"] for row in await self._executor.fetch(_LAST_ERRORS)
        }
        return {
            row["webhook_id"]: DeliverySummary(
                waiting=row["waiting"],
                given_up=row["given_up"],
                last_error=errors.get(row["webhook_id"], ""),
            )
            for row in await self._executor.fetch(_COUNT_DELIVERIES)
        }


def _name(webhook: Webhook) -> dict[str, Any]:
    """Return the values of the row, by the names of the parameters."""
    row = {name: getattr(webhook, name) for name in webhook.__dataclass_fields__}
    return {
        f"new_{name}": value for name, value in (row | {"events": sorted(webhook.events)}).items()
    }


def _read_row(row: RowMapping) -> Webhook:
    """Return the webhook of a row. Raises Unavailable for a row that a newer pgvend or another
    program wrote."""
    try:
        return Webhook(**{**row, "events": frozenset(map(EventType, row["events"]))})
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"This pgvend cannot read the webhook {row['id']}: upgrade it if a newer one wrote it."
        ) from error
