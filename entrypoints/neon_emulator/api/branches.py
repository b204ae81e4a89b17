"""A project's `/branches` and `/endpoints`; each has one entry."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import (
    Call,
    check_branch,
    create_suspension,
    resolve_project,
)
from entrypoints.neon_emulator.api.requests import (
    RenamedBranchBody,
    parse_choice,
    parse_number,
    read_body,
)
from entrypoints.neon_emulator.api.responses import (
    json_response,
    render_branch,
    render_endpoint,
    render_operations,
)
from entrypoints.neon_emulator.errors import ApiError, NotFound
from entrypoints.neon_emulator.state.project import Endpoint
from entrypoints.neon_emulator.state.steps import Step

MAX_PAGE_SIZE = 10_000


async def list_(request: web.Request) -> web.Response:
    """List the branches. As in Neon's API, the last page has a cursor too, to an empty page."""
    call = resolve_project(request)
    query = request.query
    parse_number(request, "limit", MAX_PAGE_SIZE, MAX_PAGE_SIZE)
    branch = call.project.branch
    is_listed = not query.get("cursor") and query.get("search", "") in branch.name
    page = {
        "next": branch.id,
        "sort_by": parse_choice(request, "sort_by", ("updated_at", "created_at", "name")),
        "sort_order": parse_choice(request, "sort_order", ("desc", "asc")).upper(),
    }
    branches = [render_branch(call.project)] if is_listed else []
    return json_response(
        {"branches": branches, "annotations": {}, "pagination": page if branches else {}}
    )


async def count(request: web.Request) -> web.Response:
    call = resolve_project(request)
    is_match = request.query.get("search", "") in call.project.branch.name
    return json_response({"count": int(is_match)})


async def show(request: web.Request) -> web.Response:
    call = _resolve_branch(request)
    annotation = {"object": {"type": "console/branch", "id": call.project.branch.id}, "value": {}}
    return json_response({"branch": render_branch(call.project), "annotation": annotation})


async def rename(request: web.Request) -> web.Response:
    call = _resolve_branch(request)
    name = (await read_body(RenamedBranchBody, request)).branch.name
    call.project.branch.name = name or call.project.branch.name
    call.project.branch.updated_at = call.now
    return json_response({"branch": render_branch(call.project), "operations": []})


async def delete(request: web.Request) -> web.Response:
    _resolve_branch(request)
    raise ApiError(422, "cannot delete the root branch")


async def create(request: web.Request) -> web.Response:
    resolve_project(request)
    raise ApiError(501, "the emulator has one branch in each project")


async def list_endpoints(request: web.Request) -> web.Response:
    return _render_endpoints(resolve_project(request))


async def list_branch_endpoints(request: web.Request) -> web.Response:
    return _render_endpoints(_resolve_branch(request))


async def show_endpoint(request: web.Request) -> web.Response:
    call = await _resolve_endpoint(request)
    return json_response({"endpoint": render_endpoint(call.emulator, call.project)})


async def start_endpoint(request: web.Request) -> web.Response:
    call = await _resolve_endpoint(request)
    _check_free(call)
    steps = [_create_start(call)] if call.project.endpoint.suspended else []
    return _render_change(call, steps)


async def suspend_endpoint(request: web.Request) -> web.Response:
    call = await _resolve_endpoint(request)
    _check_free(call)
    return _render_change(
        call, [] if call.project.endpoint.suspended else [_create_suspension(call)]
    )


async def restart_endpoint(request: web.Request) -> web.Response:
    call = await _resolve_endpoint(request)
    _check_free(call)
    return _render_change(call, [_create_suspension(call), _create_start(call)])


def _render_endpoints(call: Call) -> web.Response:
    has_endpoint = call.behaviour.read_write_compute
    return json_response(
        {"endpoints": [render_endpoint(call.emulator, call.project)] if has_endpoint else []}
    )


def _resolve_branch(request: web.Request) -> Call:
    call = resolve_project(request)
    check_branch(call, request.match_info["branch_id"])
    return call


async def _resolve_endpoint(request: web.Request) -> Call:
    call = resolve_project(request)
    is_known = request.match_info["endpoint_id"] == call.project.endpoint.id
    if not (is_known and call.behaviour.read_write_compute):
        raise NotFound("endpoint not found")
    await call.project.refresh(call.now)
    return call


def _check_free(call: Call) -> None:
    call.project.operations.check_free(overlapping=0, code=call.behaviour.locked_code)


def _create_start(call: Call) -> Step:
    return Step(
        action="start_compute",
        seconds=call.behaviour.start_compute_seconds,
        on_finish=partial(_set_suspended, call.project.endpoint, suspended=False),
    )


def _create_suspension(call: Call) -> Step:
    return create_suspension(
        call, on_finish=partial(_set_suspended, call.project.endpoint, suspended=True)
    )


def _set_suspended(endpoint: Endpoint, *, suspended: bool) -> None:
    endpoint.suspended = suspended


def _render_change(call: Call, steps: list[Step]) -> web.Response:
    operations = call.start(steps)
    body = {"endpoint": render_endpoint(call.emulator, call.project)}
    return json_response({**body, **render_operations(call.project, operations)})
