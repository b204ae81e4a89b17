"""`/projects`, a project's connection URIs and its operations."""

import asyncio
from dataclasses import replace
from typing import Any

from aiohttp import web

from entrypoints.neon_emulator.api.calls import (
    Call,
    check_branch,
    resolve_project,
    take_operation_fault,
    take_stale_reads,
)
from entrypoints.neon_emulator.api.middleware import EMULATOR
from entrypoints.neon_emulator.api.requests import (
    NewProject,
    NewProjectBody,
    RenamedProjectBody,
    check_database_name,
    check_role_name,
    parse_flag,
    parse_id,
    parse_number,
    parse_page_size,
    parse_text,
    read_body,
)
from entrypoints.neon_emulator.api.responses import (
    build_connection_uri,
    json_response,
    render_branch,
    render_connection,
    render_database,
    render_endpoint,
    render_operation,
    render_operations,
    render_project,
    render_project_list_item,
    render_role,
)
from entrypoints.neon_emulator.errors import (
    BadRequest,
    LimitExceeded,
    NotFound,
    PasswordsNotStored,
)
from entrypoints.neon_emulator.state.emulator import PG_VERSION, Emulator, ProjectSpec
from entrypoints.neon_emulator.state.operations import Operation
from entrypoints.neon_emulator.state.project import Project

MAX_OPERATIONS_PAGE = 1000


async def create(request: web.Request) -> web.Response:
    new = (await read_body(NewProjectBody, request)).project
    emulator = request.app[EMULATOR]
    spec = _spec_from_request(emulator, new)
    limit, count = emulator.behaviour.projects_limit, len(emulator.projects)
    if count >= limit:
        raise LimitExceeded("user projects", limit, count)
    project, operations = emulator.create_project(spec, take_operation_fault(request))
    project.unseen_reads = take_stale_reads(request)
    return json_response(_render_new_project(emulator, project, operations), 201)


async def list_(request: web.Request) -> web.Response:
    emulator = request.app[EMULATOR]
    limit = parse_page_size(request, emulator.behaviour.page_size)
    page = _skip_to_cursor(request.query.get("cursor", "0"), _find_matching(request, emulator))[
        :limit
    ]
    body: dict[str, Any] = {
        "projects": [render_project_list_item(project) for project in page],
        "applications": {},
        "integrations": {},
    }
    if page:
        body["pagination"] = {"cursor": str(page[-1].number)}
    return json_response(body)


async def show(request: web.Request) -> web.Response:
    return json_response({"project": render_project(resolve_project(request).project)})


async def rename(request: web.Request) -> web.Response:
    """Rename a project; other changes in the request are ignored."""
    call = resolve_project(request)
    name = (await read_body(RenamedProjectBody, request)).project.name
    call.project.name = name or call.project.name
    call.project.updated_at = call.now
    return json_response({"project": render_project(call.project), "operations": []})


async def delete(request: web.Request) -> web.Response:
    """Delete a project; respond when its server has stopped, because no proxy refuses logins."""
    call = resolve_project(request)
    await asyncio.wait([call.emulator.delete_project(call.project)])
    return json_response({"project": render_project(call.project)})


async def show_connection_uri(request: web.Request) -> web.Response:
    call = resolve_project(request)
    role_name = parse_text(request, "role_name")
    database_name = parse_text(request, "database_name")
    parse_flag(request, "pooled")  # the same host: there is no pooler
    _check_branch_and_endpoint(call)
    await call.project.refresh(call.now)
    role = call.project.roles.find(role_name)
    if role is None:
        raise NotFound(f'role not found; role_name:"{role_name}"')
    if call.project.databases.find(database_name) is None:
        raise NotFound(f'database not found; database_name:"{database_name}"')
    if not call.stores_passwords:
        if not call.behaviour.uri_without_password:
            raise PasswordsNotStored
        role = replace(role, password=None)
    return json_response({"uri": build_connection_uri(call.project, role, database_name)})


async def list_operations(request: web.Request) -> web.Response:
    call = resolve_project(request)
    limit = parse_number(request, "limit", call.behaviour.page_size, MAX_OPERATIONS_PAGE)
    cursor = request.query.get("cursor")
    newest_first = call.project.operations.all[::-1]
    page = [each for each in newest_first if cursor is None or _format_cursor(each) < cursor][
        :limit
    ]
    body: dict[str, Any] = render_operations(call.project, page)
    if page:
        body["pagination"] = {"cursor": _format_cursor(page[-1])}
    return json_response(body)


async def show_operation(request: web.Request) -> web.Response:
    call = resolve_project(request)
    operation_id = request.match_info["operation_id"]
    for operation in call.project.operations.all:
        if operation.id == operation_id:
            return json_response({"operation": render_operation(call.project, operation)})
    raise NotFound("operation not found")


def _spec_from_request(emulator: Emulator, new: NewProject) -> ProjectSpec:
    database = new.branch.database_name or "neondb"
    role = new.branch.role_name or f"{database}_owner"
    check_database_name(database, emulator.behaviour.name_error_status)
    check_role_name(role, emulator.behaviour.name_error_status)
    return ProjectSpec(
        name=new.name,
        branch=new.branch.name or "main",
        role=role,
        database=database,
        pg_version=new.pg_version or PG_VERSION,
        store_passwords=new.store_passwords is not False,
        org_id=new.org_id,
    )


def _render_new_project(
    emulator: Emulator, project: Project, operations: list[Operation]
) -> dict[str, Any]:
    (role,), (database,) = project.roles.list_all(), project.databases.list_all()
    return {
        "project": render_project(project),
        "connection_uris": [render_connection(project, role, database)],
        "roles": [render_role(project, role, secret=True)],
        "databases": [render_database(project, database)],
        **render_operations(project, operations),
        "branch": render_branch(project),
        "endpoints": [render_endpoint(emulator, project)],
    }


def _find_matching(request: web.Request, emulator: Emulator) -> list[Project]:
    search, org_id = request.query.get("search", ""), parse_id(request, "org_id")
    return [
        project
        for project in emulator.list_visible_projects()
        if (search in project.name or search in project.id)
        and (org_id is None or project.org_id == org_id)
    ]


def _skip_to_cursor(cursor: str, projects: list[Project]) -> list[Project]:
    if not (cursor.isascii() and cursor.isdigit()):
        raise BadRequest("cursor is not valid")
    return [project for project in projects if project.number > int(cursor[:18])]


def _check_branch_and_endpoint(call: Call) -> None:
    query = call.request.query
    check_branch(call, query.get("branch_id", call.project.branch.id))
    has_endpoint = call.behaviour.read_write_compute
    if not has_endpoint or query.get("endpoint_id", call.project.endpoint.id) != (
        call.project.endpoint.id
    ):
        raise NotFound("endpoint not found")


def _format_cursor(operation: Operation) -> str:
    return operation.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
