"""API keys in one table of an SQL database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, insert, or_, select, update

from adapters.registry.executor import Executor, is_storable
from adapters.registry.schema import KEYS
from domain.api_keys import ApiKey
from domain.callers import Scope
from domain.errors import KeyNotFound, Unavailable
from domain.rates import Rate
from ports.driven.api_key_store import ApiKeyQuery, ApiKeyStore

_ADD = insert(KEYS)
_NEWEST_FIRST = select(KEYS).order_by(KEYS.c.created_at.desc(), KEYS.c.id.desc())
_REVOKE = update(KEYS).where(KEYS.c.id == bindparam("known_id"), KEYS.c.revoked_at.is_(None))


class SqlApiKeyStore(ApiKeyStore):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(self, key: ApiKey) -> None:
        await self._executor.write(_ADD, _row_from_key(key))

    async def find(self, key_id: str) -> ApiKey | None:
        if not is_storable(key_id):
            return None
        rows = await self._executor.fetch(select(KEYS).where(KEYS.c.id == key_id))
        return _read_row(rows[0]) if rows else None

    async def list_all(self) -> list[ApiKey]:
        return [_read_row(row) for row in await self._executor.fetch(_NEWEST_FIRST)]

    async def search(self, query: ApiKeyQuery) -> list[ApiKey]:
        page = _NEWEST_FIRST.limit(query.limit)
        if (before := query.before) is not None:
            same_time = KEYS.c.created_at == before.created_at
            page = page.where(
                or_(
                    KEYS.c.created_at < before.created_at,
                    and_(same_time, KEYS.c.id < before.id),
                )
            )
        return [_read_row(row) for row in await self._executor.fetch(page)]

    async def revoke(self, key_id: str, at: datetime) -> ApiKey:
        if is_storable(key_id):
            await self._executor.write(_REVOKE, {"known_id": key_id, "revoked_at": at})
        if found := await self.find(key_id):
            return found
        raise KeyNotFound(f"There is no key {key_id!r}.")


def _row_from_key(key: ApiKey) -> Mapping[str, Any]:
    return {
        "id": key.id,
        "digest": key.digest,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "quota": key.quota,
        "rate_amount": key.rate and key.rate.amount,
        "rate_seconds": key.rate and key.rate.seconds,
        "origins": sorted(key.origins),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _read_row(row: RowMapping) -> ApiKey:
    """Return the key of a row. Raises Unavailable for a row that a newer pgvend or another program
    wrote."""
    try:
        return _key_from_row(row)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"This pgvend cannot read the key {row['id']}: upgrade it if a newer one wrote it."
        ) from error


def _key_from_row(row: RowMapping) -> ApiKey:
    amount = row["rate_amount"]
    return ApiKey(
        id=row["id"],
        digest=row["digest"],
        name=row["name"],
        scopes=frozenset(map(Scope, row["scopes"])),
        quota=row["quota"],
        rate=None if amount is None else Rate(amount, row["rate_seconds"]),
        origins=frozenset(row["origins"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
