"""Unique API keys and audit events."""

import os
from datetime import UTC, datetime
from typing import Any

from domain.api_keys import ID_BYTES, SECRET_BYTES, ApiKey, digest_key, new_key
from domain.audit import PREFIX, StoredAuditEvent
from domain.callers import Scope
from domain.ids import RANDOM_BYTES, new_id

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def new_api_key(**more: Any) -> ApiKey:
    """Return an API key with a new id, of a caller of its own."""
    key_id, key = new_key(os.urandom(ID_BYTES + SECRET_BYTES))
    usual: dict[str, Any] = {
        "name": key_id,
        "scopes": frozenset({Scope.CREATE}),
        "created_at": CREATED_AT,
    }
    return ApiKey(**{"id": key_id, "digest": digest_key(key)} | usual | more)


def new_entry(at: datetime = CREATED_AT, **more: Any) -> StoredAuditEvent:
    """Return an audit event with a new id."""
    entry_id = new_id(at, os.urandom(RANDOM_BYTES), PREFIX)
    usual: dict[str, Any] = {"caller": "ann", "action": "createDatabase", "outcome": "done"}
    return StoredAuditEvent(**usual | {"id": entry_id, "at": at} | more)
