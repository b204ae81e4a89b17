"""Events of replicas that are killed: none is lost, and a repeated message keeps its id."""

import json
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.support.polling import wait_until
from tests.support.receivers import Receiver, running_receiver
from tests.support.registries import empty_database
from tests.support.servers import OperatorsServer, ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import create_database, request_json

KEY = "the-admins-key-in-a-test"
BEARER = {"Authorization": f"Bearer {KEY}"}
ROUNDS = 3


async def test_every_database_of_replicas_that_are_killed_is_announced(
    server_15: OperatorsServer,
) -> None:
    async with empty_database(server_15) as url, running_receiver() as receiver:
        with ram_folder() as folder:
            async with replica(folder / "kept", url) as kept:
                await request_json(kept, "POST", "/v1/webhooks", {"url": receiver.url}, **BEARER)
                ids = {await create_and_kill(folder / f"killed-{n}", url) for n in range(ROUNDS)}
                await wait_until(partial(has_announced, receiver, ids))

    by_id = {message.id: json.loads(message.body)["data"]["id"] for message in receiver.messages}
    assert sorted(by_id.values()) == sorted(ids)


async def create_and_kill(folder: Path, url: str) -> str:
    """Create a database by another replica, kill that one at once, and return the database's id."""
    async with replica(folder, url) as killed:
        created = await create_database(killed, **BEARER)
        await killed.kill()
    return str(created["id"])


def has_announced(receiver: Receiver, ids: Set[str]) -> bool:
    return ids <= {json.loads(message.body)["data"]["id"] for message in receiver.messages}


@asynccontextmanager
async def replica(folder: Path, url: str) -> AsyncIterator[RunningService]:
    settings = {
        "PGVEND_PROVIDER": "memory",
        "PGVEND_REGISTRY_URL": url,
        "PGVEND_SECRET": "the secret of all the replicas of this test",
        "PGVEND_ADMIN_KEY": KEY,
        "PGVEND_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1",
        "PGVEND_WEBHOOK_INTERVAL": "1",
    }
    async with running_service(folder, **settings) as service:
        yield service
