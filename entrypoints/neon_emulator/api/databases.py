"""`/projects/{project_id}/branches/{branch_id}/databases`."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import Call, branch_call, stale_reads, unmade
from entrypoints.neon_emulator.api.requests import (
    ChangedDatabaseBody,
    NewDatabase,
    NewDatabaseBody,
    body_as,
    check_database_name,
)
from entrypoints.neon_emulator.api.responses import answer, database_body, operations_body
from entrypoints.neon_emulator.errors import ApiError, LimitExceeded, NotFound
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Database
from entrypoints.neon_emulator.state.operations import Operation


async def create(request: web.Request) -> web.Response:
    wanted = (await body_as(NewDatabaseBody, request)).database
    call = await branch_call(request)
    check_database_name(wanted.name, call.behaviour.name_error_status)
    call.check_may_change()
    _check_free(call, wanted.name)
    _check_room(call)
    _check_owner(call, wanted.owner_name)
    database = call.project.databases.add(_new_database(call, wanted))
    operations = call.apply(
        database,
        partial(_make, call, database),
        lost=partial(unmade, call, call.project.databases, database),
        may_be_late=True,
    )
    return _changed(call, database, operations, status=201)


async def list_(request: web.Request) -> web.Response:
    call = await branch_call(request)
    listed = call.project.databases.seen()
    return answer({"databases": [database_body(call.project, database) for database in listed]})


async def show(request: web.Request) -> web.Response:
    call = await branch_call(request)
    database = call.project.databases.seen_as(request.match_info["database_name"])
    if database is None:
        raise NotFound("database not found")
    return answer({"database": database_body(call.project, database)})


async def change(request: web.Request) -> web.Response:
    wanted = (await body_as(ChangedDatabaseBody, request)).database
    call = await branch_call(request)
    database = call.project.databases.find(request.match_info["database_name"])
    if database is None:
        raise NotFound("database not found")
    call.check_may_change()
    _check_change(call, database, wanted.name, wanted.owner_name)
    database.name = wanted.name or database.name
    database.owner_name = wanted.owner_name or database.owner_name
    work = partial(_change, call, database, database.name, database.owner_name)
    operations = call.apply(database, work, lost=partial(_keep_name, database))
    return _changed(call, database, operations)


async def delete(request: web.Request) -> web.Response:
    call = await branch_call(request)
    database = call.project.databases.find(request.match_info["database_name"])
    if database is None:
        return web.Response(status=204)
    call.check_may_change()
    database.going = True
    operations = call.apply(database, partial(_drop, call, database), lost=database.stay)
    return _changed(call, database, operations)


def _check_free(call: Call, name: str) -> None:
    if call.project.databases.find(name):
        knobs = call.behaviour
        raise ApiError(
            knobs.duplicate_database_status,
            f'{knobs.duplicate_database_message}; database_name:"{name}"',
            knobs.duplicate_database_code,
        )


def _check_room(call: Call) -> None:
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


def _new_database(call: Call, wanted: NewDatabase) -> Database:
    return Database(
        id=identifiers.create_database_id(),
        name=wanted.name,
        owner_name=wanted.owner_name,
        unseen_reads=stale_reads(call.request),
        created_at=call.now,
        updated_at=call.now,
    )


async def _make(call: Call, database: Database) -> None:
    await call.project.compute.create_database(database.name, database.owner_name)
    database.real_name = database.name


async def _change(call: Call, database: Database, name: str, owner: str) -> None:
    """Change a database, or create it if its creation failed, as a compute would."""
    if database.real_name is None:
        await _make(call, database)
        return
    compute = call.project.compute
    await compute.change_database(database.real_name, new_name=name, owner=owner)
    database.real_name = name


async def _drop(call: Call, database: Database) -> None:
    if database.real_name:
        await call.project.compute.drop_database(database.real_name)
    call.project.databases.forget(database)


def _keep_name(database: Database) -> None:
    database.name = database.real_name or database.name


def _changed(
    call: Call, database: Database, operations: list[Operation], *, status: int = 200
) -> web.Response:
    body = {
        "database": database_body(call.project, database),
        **operations_body(call.project, operations),
    }
    return answer(body, status)
