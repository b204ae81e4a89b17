"""`/projects/{project_id}/branches/{branch_id}/databases`."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import (
    Call,
    remove_failed,
    resolve_branch,
    take_stale_reads,
)
from entrypoints.neon_emulator.api.requests import (
    DatabaseChangeBody,
    NewDatabase,
    NewDatabaseBody,
    check_database_name,
    read_body,
)
from entrypoints.neon_emulator.api.responses import (
    json_response,
    render_database,
    render_operations,
)
from entrypoints.neon_emulator.errors import ApiError, LimitExceeded, NotFound
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Database
from entrypoints.neon_emulator.state.operations import Operation


async def create(request: web.Request) -> web.Response:
    new = (await read_body(NewDatabaseBody, request)).database
    call = await resolve_branch(request)
    check_database_name(new.name, call.behaviour.name_error_status)
    call.check_may_change()
    _check_free(call, new.name)
    _check_limit(call)
    _check_owner(call, new.owner_name)
    database = call.project.databases.add(_create_entry(call, new))
    operations = call.apply(
        database,
        partial(_create, call, database),
        on_failure=partial(remove_failed, call, call.project.databases, database),
        may_be_late=True,
    )
    return _render_change(call, database, operations, status=201)


async def list_(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    listed = call.project.databases.list_visible()
    return json_response(
        {"databases": [render_database(call.project, database) for database in listed]}
    )


async def show(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    database = call.project.databases.find_visible(request.match_info["database_name"])
    if database is None:
        raise NotFound("database not found")
    return json_response({"database": render_database(call.project, database)})


async def change(request: web.Request) -> web.Response:
    changes = (await read_body(DatabaseChangeBody, request)).database
    call = await resolve_branch(request)
    database = call.project.databases.find(request.match_info["database_name"])
    if database is None:
        raise NotFound("database not found")
    call.check_may_change()
    _check_change(call, database, changes.name, changes.owner_name)
    database.name = changes.name or database.name
    database.owner_name = changes.owner_name or database.owner_name
    work = partial(_change, call, database, database.name, database.owner_name)
    operations = call.apply(database, work, on_failure=partial(_restore_name, database))
    return _render_change(call, database, operations)


async def delete(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    database = call.project.databases.find(request.match_info["database_name"])
    if database is None:
        return web.Response(status=204)
    call.check_may_change()
    database.is_deleting = True
    operations = call.apply(
        database, partial(_drop, call, database), on_failure=database.cancel_deletion
    )
    return _render_change(call, database, operations)


def _check_free(call: Call, name: str) -> None:
    if call.project.databases.find(name):
        behaviour = call.behaviour
        raise ApiError(
            behaviour.duplicate_database_status,
            f'{behaviour.duplicate_database_message}; database_name:"{name}"',
            behaviour.duplicate_database_code,
        )


def _check_limit(call: Call) -> None:
    limit, count = call.behaviour.databases_limit, len(call.project.databases)
    if count >= limit:
        raise LimitExceeded("branch databases", limit, count)


def _check_owner(call: Call, name: str) -> None:
    """Raise ApiError unless the role exists and its last operation has succeeded."""
    role = call.project.roles.find(name)
    if role is None or not role.settled:
        raise ApiError(422, f'database owner not found; role_name:"{name}"')


def _check_change(call: Call, database: Database, name: str | None, owner: str | None) -> None:
    if name is not None and name != database.name:
        check_database_name(name, call.behaviour.name_error_status)
        _check_free(call, name)
    if owner is not None:
        _check_owner(call, owner)


def _create_entry(call: Call, new: NewDatabase) -> Database:
    return Database(
        id=identifiers.create_database_id(),
        name=new.name,
        owner_name=new.owner_name,
        unseen_reads=take_stale_reads(call.request),
        created_at=call.now,
        updated_at=call.now,
    )


async def _create(call: Call, database: Database) -> None:
    await call.project.compute.create_database(database.name, database.owner_name)
    database.real_name = database.name


async def _change(call: Call, database: Database, name: str, owner: str) -> None:
    """Change a database, or create it if its creation failed, as a compute would."""
    if database.real_name is None:
        await _create(call, database)
        return
    compute = call.project.compute
    await compute.change_database(database.real_name, new_name=name, owner=owner)
    database.real_name = name


async def _drop(call: Call, database: Database) -> None:
    if database.real_name:
        await call.project.compute.drop_database(database.real_name)
    call.project.databases.remove(database)


def _restore_name(database: Database) -> None:
    database.name = database.real_name or database.name


def _render_change(
    call: Call, database: Database, operations: list[Operation], *, status: int = 200
) -> web.Response:
    body = {
        "database": render_database(call.project, database),
        **render_operations(call.project, operations),
    }
    return json_response(body, status)
