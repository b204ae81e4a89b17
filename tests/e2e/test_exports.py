"""Exports of expired databases, as a service does and shows them."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.exports import SUFFIX
from tests.support.announced_messages import announce
from tests.support.apps import RunningApp, running_app
from tests.support.command_line import PGVEND, run_program
from tests.support.exports import list_files
from tests.support.postgres_under_test import session
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import create_database, login_from_answer, wait_for_state

URL = "https://hooks.example/pgvend"
EXPIRE = "UPDATE databases SET expires_at = created_at, wake_at = created_at"


async def reconcile(app: RunningApp) -> None:
    assert (await app.ask("POST", "/v1/reconciliations")).status == 200


async def test_the_record_and_the_webhook_of_an_exported_database_name_the_file(
    tmp_path: Path,
) -> None:
    async with running_app(export_dir=tmp_path) as app:
        assert (await app.ask("POST", "/v1/webhooks", {"url": URL})).status == 201
        created = await app.create_database("Web Shop", ttl="1h")
        app.clock.moment += timedelta(hours=1)
        await reconcile(app)  # suspends it
        await reconcile(app)

        deleted = await app.wait_for_state(created["id"], "deleted")
        message = (await announce(app))[-1]

    assert created["export"] is None
    assert message["type"] == "database.deleted"
    assert message["data"]["export"] == deleted["export"]
    assert deleted["export"] == f"webshop-{created['id']}{SUFFIX}"
    assert "export" in [step["name"] for step in deleted["steps"]]


async def test_without_a_folder_an_expired_database_is_deleted_at_once() -> None:
    async with running_app() as app:
        created = await app.create_database(ttl="1h")
        app.clock.moment += timedelta(hours=1)
        await reconcile(app)

        assert (await app.get(f"/v1/databases/{created['id']}"))["state"] == "deleted"


async def create_expired(data_dir: Path) -> Any:
    """Create a database with contents, whose expiry has passed when the service starts again."""
    async with running_service(data_dir) as service:
        database = await create_database(service, "Web Shop")
        async with session(login_from_answer(database)) as owner:
            await owner.execute("CREATE TABLE fruits AS SELECT 'apple' AS name")
    records = sqlite3.connect(data_dir / "registry.sqlite3")
    with records:
        records.execute(f"{EXPIRE} WHERE id = ?", [database["id"]])
    records.close()
    return database


async def load(service: RunningService, dump: Path) -> None:
    command = (*PGVEND, "load", "restored", str(dump))
    assert (await run_program(*command, PGVEND_URL=service.url)).status == 0


async def test_an_expired_database_can_be_loaded_from_its_export(tmp_path: Path) -> None:
    settings = {"PGVEND_EXPORT_DIR": str(tmp_path), "PGVEND_RECONCILE_INTERVAL": "1"}
    with ram_folder() as folder:
        database = await create_expired(folder / "data")
        async with running_service(folder / "data", **settings) as service:
            await wait_for_state(service, database, "deleted")
            [dump] = list_files(tmp_path)
            restored = await create_database(service, "Restored")

            await load(service, tmp_path / dump)

            async with session(login_from_answer(restored)) as owner:
                assert await owner.fetchval("SELECT name FROM fruits") == "apple"
