"""Requests with an idempotency key, by both routes that accept one."""

from typing import Any

from tests.support.apps import Answer, RunningApp

PATH = "/v1/databases"
LEGACY = "/api/create-neon-db"
ORDERS = {PATH: {"nickname": "Again"}, LEGACY: {"project": {"name": "Again"}}}


def keyed(key: str = "a key") -> dict[str, str]:
    return {"Idempotency-Key": key}


async def ordered(app: RunningApp, key: str = "a key", **more: Any) -> Answer:
    return await app.ask("POST", PATH, {"nickname": "Again", **more}, keyed(key))
