"""Conversion between records and rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from domain.database import Database
from domain.idempotency import IdempotencyKey
from domain.lifecycle import State, Step, StepState
from domain.names import Nickname, PgNames
from domain.targets import Isolation, Target


def row_from_database(database: Database) -> dict[str, Any]:
    idempotency_key = database.idempotency_key
    return {
        "id": database.id,
        "nickname": database.nickname.text,
        "database": database.names.database,
        "owner": database.names.owner,
        "target": database.target.name,
        "provider": database.target.provider,
        "isolation": database.target.isolation.value,
        "caller": database.caller,
        "request_key": idempotency_key and idempotency_key.key,
        "request_body": idempotency_key and idempotency_key.body,
        "promised": database.resumable,
        "suffixable": database.suffixable,
        "state": database.state.value,
        "labels": dict(database.labels),
        "extensions": list(database.extensions),
        "created_at": database.created_at,
        "expires_at": database.expires_at,
        "rotation": database.rotation,
        "secret": database.secret,
        "nonce": database.nonce,
        "source": database.source,
        "shape": database.shape,
        "ends_sessions": database.ends_sessions,
        "is_shared": database.is_shared,
        "export": database.export,
        "history": [_json_from_step(step) for step in database.history],
        "wake_at": database.wake_at,
        "failures": database.failures,
        "version": database.version,
    }


def database_from_row(row: RowMapping) -> Database:
    key, body = row["request_key"], row["request_body"]
    return Database(
        id=row["id"],
        nickname=Nickname(row["nickname"]),
        names=PgNames(database=row["database"], owner=row["owner"]),
        target=Target(
            name=row["target"],
            provider=row["provider"],
            isolation=Isolation(row["isolation"]),
        ),
        caller=row["caller"],
        idempotency_key=None if key is None else IdempotencyKey(key, body),
        resumable=row["promised"],
        suffixable=row["suffixable"],
        state=State(row["state"]),
        labels=row["labels"],
        extensions=tuple(row["extensions"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        rotation=row["rotation"],
        secret=row["secret"],
        nonce=row["nonce"],
        source=row["source"],
        shape=row["shape"],
        ends_sessions=row["ends_sessions"],
        is_shared=row["is_shared"],
        export=row["export"],
        history=tuple(_step_from_json(document) for document in row["history"]),
        wake_at=row["wake_at"],
        failures=row["failures"],
        version=row["version"],
    )


def _json_from_step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "state": step.state.value,
        "at": step.at.isoformat(),
        "error": step.error,
    }


def _step_from_json(document: Mapping[str, Any]) -> Step:
    return Step(
        number=document["number"],
        name=document["name"],
        state=StepState(document["state"]),
        at=datetime.fromisoformat(document["at"]),
        error=document["error"],
    )
