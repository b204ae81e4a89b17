"""Clients that generators write from the OpenAPI document: a call with nothing but what the API
requires compiles, works, and gives back typed answers."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.clients.tools import run, succeed
from tests.support.apps import RunningApp, running_app
from tests.support.requirements import skip_without

pytestmark = pytest.mark.timeout(600)

OPENAPI_TYPESCRIPT = """
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const created = await client.POST("/v1/databases", { body: BODY });
if (created.response.status !== 201 || !created.data) throw created.error;
if (!("connection" in created.data)) throw created.data;
const { id, connection } = created.data;
const uri: string = connection.uri;
const pooler: string | null | undefined = connection.pooler_host;
const params = { path: { id } };
await client.PATCH("/v1/databases/{id}", { params, body: { labels: { team: "web" } } });
await client.POST("/v1/keys", { body: { scopes: ["create"] } });
await client.POST("/v1/reconciliations", {});
const original = await client.POST("/api/create-neon-db", { body: { project: { name: "Old" } } });
const kind: string | undefined = original.data?.database_type;
console.log(uri, pooler, kind);
"""

OPENAPI_GENERATOR = """
import { Configuration, DatabasesApi, OriginalApi, ServiceApi } from "./generated/index.js";

const configuration = new Configuration({ basePath: process.argv[2] });
const databases = new DatabasesApi(configuration);
const { id, connection } = await databases.createDatabase({ createDatabaseRequest: BODY }) as any;
const changed = await databases.changeDatabase(
  { id, changeDatabaseRequest: { labels: { team: "web" } } });
const labels: { [key: string]: string } = changed.labels;
await new ServiceApi(configuration).reconcile();
const original = await new OriginalApi(configuration).createNeonDb(
  { legacyDatabaseRequest: { project: { name: "Old" } } });
const kind: string = original.databaseType;
console.log(connection.uri, labels.team, kind);
"""

OPENAPI_PYTHON_CLIENT = """
import sys


from generated.api.databases import change_database, create_database
from generated.api.original import create_neon_db
from generated.client import AuthenticatedClient
from generated.models import (
    CreateDatabaseRequest, Database, DatabaseWithConnection, LegacyDatabase,
    LegacyDatabaseRequest, LegacyProject, ChangeDatabaseRequest, ChangeDatabaseRequestLabelsType0,
)

client = AuthenticatedClient(base_url=sys.argv[1], token="of another backend")
created = create_database.sync(client=client, body=CreateDatabaseRequest(BODY))
assert isinstance(created, DatabaseWithConnection), created
uri: str = created.connection.uri
labels = ChangeDatabaseRequestLabelsType0.from_dict({"team": "web"})
changed = change_database.sync(created.id, client=client, body=ChangeDatabaseRequest(labels=labels))
assert isinstance(changed, Database), changed
body = LegacyDatabaseRequest(project=LegacyProject(name="Old"))
original = create_neon_db.sync(client=client, body=body)
assert isinstance(original, LegacyDatabase), original
kind: str = original.database_type
print(uri, kind)
"""

TSC = (
    *("--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"),
    *("--types", "node"),
)


@pytest.fixture
def typescript(npm: Path, tmp_path: Path) -> Path:
    """A folder for a TypeScript program of ES modules."""
    (tmp_path / "node_modules").symlink_to(npm / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def compile_client(folder: Path, call: str, body: str) -> tuple[int, str]:
    (folder / "call.ts").write_text(call.replace("BODY", body))
    return run(folder / "node_modules" / ".bin" / "tsc", *TSC, "call.ts", cwd=folder)


def check_types(folder: Path, python: Path, body: str) -> tuple[int, str]:
    (folder / "call.py").write_text(OPENAPI_PYTHON_CLIENT.replace("BODY", body))
    return run(python / "mypy", "--strict", "--follow-imports=silent", "call.py", cwd=folder)


async def call_service(*command: str | Path, cwd: Path) -> None:
    """Run the client against a service, and check that it created its databases."""
    async with running_app() as app:
        await asyncio.to_thread(succeed, *command, f"http://127.0.0.1:{app.port}", cwd=cwd)
        assert await _nicknames(app) == {"New", "Old"}


async def _nicknames(app: RunningApp) -> set[str]:
    return {database["nickname"] for database in await app.list_live()}


async def assert_nickname_alone_is_required(typescript: Path, source: str) -> None:
    """A call with a nickname compiles and succeeds; without one the compiler names it."""
    assert compile_client(typescript, source, '{ nickname: "New" }') == (0, "")
    await call_service("node", "call.js", cwd=typescript)
    status, printed = compile_client(typescript, source, "{}")
    assert status
    assert "nickname" in printed


async def test_openapi_typescript_does_not_require_optional_members(
    typescript: Path, npm: Path, document: Path
) -> None:
    program = npm / "node_modules" / ".bin" / "openapi-typescript"
    succeed(program, document, "--output", "schema.d.ts", cwd=typescript)

    await assert_nickname_alone_is_required(typescript, OPENAPI_TYPESCRIPT)


async def test_openapi_generator_does_not_require_optional_members(
    typescript: Path, python: Path, document: Path
) -> None:
    if not shutil.which("java"):
        skip_without("java: apt-get install default-jre-headless")
    options = ("-g", "typescript-fetch", "-o", "generated")
    more = ("--additional-properties=importFileExtension=.js",)
    program = python / "openapi-generator-cli"
    succeed(program, "generate", "-i", document, *options, *more, cwd=typescript)

    await assert_nickname_alone_is_required(typescript, OPENAPI_GENERATOR)


async def test_openapi_python_client_does_not_require_optional_members(
    python: Path, document: Path, tmp_path: Path
) -> None:
    program = python / "openapi-python-client"
    options = ("--meta", "none", "--output-path", "generated", "--fail-on-warning")
    succeed(program, "generate", "--path", document, *options, cwd=tmp_path)

    status, printed = check_types(tmp_path, python, 'nickname="New"')
    assert status == 0, printed
    await call_service(python / "python", "call.py", cwd=tmp_path)
    status, printed = check_types(tmp_path, python, "")
    assert status
    assert "nickname" in printed
