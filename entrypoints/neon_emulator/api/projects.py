"""`/projects`, a project's connection URIs and its operations."""

import asyncio
from dataclasses import replace
from typing import Any

from aiohttp import web

from entrypoints.neon_emulator.api.calls import (
    Call,
    check_branch,
    fault_during,
    project_call,
    stale_reads,
)
from entrypoints.neon_emulator.api.requests import (
    NewProject,
    NewProjectBody,
    RenamedProjectBody,
    body_as,
    check_database_name,
    check_role_name,
    projects_page,
    query_flag,
    query_id,
    query_number,
    query_text,
)
from entrypoints.neon_emulator.api.responses import (
    answer,
    branch_body,
    database_body,
    endpoint_body,
    operation_body,
    operations_body,
    project_body,
    project_list_item,
    role_body,
)
from entrypoints.neon_emulator.errors import (
    InvalidCall,
    LimitExceeded,
    NotFound,
    PasswordsNotStored,
)
from entrypoints.neon_emulator.keys import EMULATOR
from entrypoints.neon_emulator.state.emulator import NEWEST, Emulator, Wanted
from entrypoints.neon_emulator.state.operations import Operation
from entrypoints.neon_emulator.state.project import Project
from entrypoints.neon_emulator.uris import connection_details, connection_uri

LARGEST_OPERATIONS_PAGE = 1000


async def create(request: web.Request) -> web.Response:
    asked = (await body_as(NewProjectBody, request)).project
    emulator = request.app[EMULATOR]
    wanted = _wanted(emulator, asked)
    limit, count = emulator.behaviour.projects_limit, len(emulator.projects)
    if count >= limit:
        raise LimitExceeded("user projects", limit, count)
    project, operations = emulator.create_project(wanted, fault_during(request))
    project.unseen_reads = stale_reads(request)
    return answer(_created(emulator, project, operations), 201)


async def list_(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    limit = projects_page(request, emulator.behaviour.page_size)
    page = _after(request.query.get("cursor", "0"), _matching(request, emulator))[:limit]
    body: dict[str, Any] = {
        "projects": [project_list_item(project) for project in page],
        "applications": {},
        "integrations": {},
    }
    if page:
        body["pagination"] = {"cursor": str(page[-1].number)}
    return answer(body)


async def show(request: web.Request) -> web.Response:
    return answer({"project": project_body(project_call(request).project)})


async def rename(request: web.Request) -> web.Response:
    """Rename a project; other changes in the request are ignored."""
    call = project_call(request)
    name = (await body_as(RenamedProjectBody, request)).project.name
    call.project.name = name or call.project.name
    call.project.updated_at = call.now
    return answer({"project": project_body(call.project), "operations": []})


async def delete(request: web.Request) -> web.Response:
    """Delete a project; respond when its server has stopped, because no proxy ends the logins."""
    call = project_call(request)
    await asyncio.wait([call.emulator.delete_project(call.project)])
    return answer({"project": project_body(call.project)})


async def show_connection_uri(request: web.Request) -> web.Response:
    call = project_call(request)
    names = query_text(request, "role_name"), query_text(request, "database_name")
    query_flag(request, "pooled")  # the same host: there is no pooler
    _check_place(call)
    await call.project.refresh(call.now)
    role = call.project.roles.find(names[0])
    if role is None:
        raise NotFound(f'role not found; role_name:"{names[0]}"')
    if call.project.databases.find(names[1]) is None:
        raise NotFound(f'database not found; database_name:"{names[1]}"')
    if not call.stores_passwords:
        if not call.behaviour.uri_without_password:
            raise PasswordsNotStored
        role = replace(role, password=None)
    return answer({"uri": connection_uri(call.project, role, names[1])})


async def list_operations(request: web.Request) -> web.Response:
    call = project_call(request)
    limit = query_number(request, "limit", call.behaviour.page_size, LARGEST_OPERATIONS_PAGE)
    cursor = request.query.get("cursor")
    newest_first = call.project.operations.all[::-1]
    page = [each for each in newest_first if cursor is None or _cursor(each) < cursor][:limit]
    body: dict[str, Any] = operations_body(call.project, page)
    if page:
        body["pagination"] = {"cursor": _cursor(page[-1])}
    return answer(body)


async def show_operation(request: web.Request) -> web.Response:
    call = project_call(request)
    wanted = request.match_info["operation_id"]
    for operation in call.project.operations.all:
        if operation.id == wanted:
            return answer({"operation": operation_body(call.project, operation)})
    raise NotFound("operation not found")


def _wanted(emulator: Emulator, asked: NewProject) -> Wanted:
    database = asked.branch.database_name or "neondb"
    role = asked.branch.role_name or f"{database}_owner"
    check_database_name(database, emulator.behaviour.name_error_status)
    check_role_name(role, emulator.behaviour.name_error_status)
    return Wanted(
        name=asked.name,
        branch=asked.branch.name or "main",
        role=role,
        database=database,
        pg_version=asked.pg_version or NEWEST,
        store_passwords=asked.store_passwords is not False,
        org_id=asked.org_id,
    )


def _created(emulator: Emulator, project: Project, operations: list[Operation]) -> dict[str, Any]:
    (role,), (database,) = project.roles.all(), project.databases.all()
    return {
        "project": project_body(project),
        "connection_uris": [connection_details(project, role, database)],
        "roles": [role_body(project, role, secret=True)],
        "databases": [database_body(project, database)],
        **operations_body(project, operations),
        "branch": branch_body(project),
        "endpoints": [endpoint_body(emulator, project)],
    }


def _matching(request: web.Request, emulator: Emulator) -> list[Project]:
    search, org_id = request.query.get("search", ""), query_id(request, "org_id")
    return [
        project
        for project in emulator.seen_projects()
        if (search in project.name or search in project.id)
        and (org_id is None or project.org_id == org_id)
    ]


def _after(cursor: str, projects: list[Project]) -> list[Project]:
    if not (cursor.isascii() and cursor.isdigit()):
        raise InvalidCall("cursor is not valid")
    return [project for project in projects if project.number > int(cursor[:18])]


def _check_place(call: Call) -> None:
    query = call.request.query
    check_branch(call, query.get("branch_id", call.project.branch.id))
    has_endpoint = call.behaviour.read_write_compute
    if not has_endpoint or query.get("endpoint_id", call.project.endpoint.id) != (
        call.project.endpoint.id
    ):
        raise NotFound("endpoint not found")


def _cursor(operation: Operation) -> str:
    return operation.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
