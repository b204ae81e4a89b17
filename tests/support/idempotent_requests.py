"""Requests with an idempotency key, by both routes that accept one."""

from typing import Any

from tests.support.apps import Answer, RunningApp

PATH = "/v1/databases"
LEGACY = "/api/create-neon-db"
REQUEST_BODIES = {PATH: {"nickname": "Again"}, LEGACY: {"project": {"name": "Again"}}}


def idempotency_headers(key: str = "a key") -> dict[str, str]:
    return {"Idempotency-Key": key}


async def create_with_key(app: RunningApp, key: str = "a key", **more: Any) -> Answer:
    return await app.ask("POST", PATH, {"nickname": "Again", **more}, idempotency_headers(key))
