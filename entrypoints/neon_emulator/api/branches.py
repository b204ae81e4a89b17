"""A project's `/branches` and `/endpoints`; each has one entry."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import Call, check_branch, project_call, suspension
from entrypoints.neon_emulator.api.requests import (
    RenamedBranchBody,
    body_as,
    query_number,
    query_word,
)
from entrypoints.neon_emulator.api.responses import (
    answer,
    branch_body,
    endpoint_body,
    operations_body,
)
from entrypoints.neon_emulator.errors import ApiError, NotFound
from entrypoints.neon_emulator.state.project import Endpoint
from entrypoints.neon_emulator.steps import Step

LARGEST_PAGE = 10_000


async def list_(request: web.Request) -> web.Response:
    """List the branches. As in Neon's API, the last page has a cursor too, to an empty page."""
    call = project_call(request)
    query = request.query
    query_number(request, "limit", LARGEST_PAGE, LARGEST_PAGE)
    branch = call.project.branch
    is_shown = not query.get("cursor") and query.get("search", "") in branch.name
    page = {
        "next": branch.id,
        "sort_by": query_word(request, "sort_by", ("updated_at", "created_at", "name")),
        "sort_order": query_word(request, "sort_order", ("desc", "asc")).upper(),
    }
    branches = [branch_body(call.project)] if is_shown else []
    return answer({"branches": branches, "annotations": {}, "pagination": page if branches else {}})


async def count(request: web.Request) -> web.Response:
    call = project_call(request)
    is_found = request.query.get("search", "") in call.project.branch.name
    return answer({"count": int(is_found)})


async def show(request: web.Request) -> web.Response:
    call = _branch_call(request)
    annotation = {"object": {"type": "console/branch", "id": call.project.branch.id}, "value": {}}
    return answer({"branch": branch_body(call.project), "annotation": annotation})


async def rename(request: web.Request) -> web.Response:
    call = _branch_call(request)
    name = (await body_as(RenamedBranchBody, request)).branch.name
    call.project.branch.name = name or call.project.branch.name
    call.project.branch.updated_at = call.now
    return answer({"branch": branch_body(call.project), "operations": []})


async def delete(request: web.Request) -> web.Response:
    _branch_call(request)
    raise ApiError(422, "cannot delete the root branch")


async def create(request: web.Request) -> web.Response:
    project_call(request)
    raise ApiError(501, "the emulator has one branch in each project")


async def list_endpoints(request: web.Request) -> web.Response:
    return _endpoints(project_call(request))


async def list_branch_endpoints(request: web.Request) -> web.Response:
    return _endpoints(_branch_call(request))


async def show_endpoint(request: web.Request) -> web.Response:
    call = await _endpoint_call(request)
    return answer({"endpoint": endpoint_body(call.emulator, call.project)})


async def start_endpoint(request: web.Request) -> web.Response:
    call = await _endpoint_call(request)
    _check_free(call)
    steps = [_start(call)] if call.project.endpoint.suspended else []
    return _changed(call, steps)


async def suspend_endpoint(request: web.Request) -> web.Response:
    call = await _endpoint_call(request)
    _check_free(call)
    return _changed(call, [] if call.project.endpoint.suspended else [_suspension(call)])


async def restart_endpoint(request: web.Request) -> web.Response:
    call = await _endpoint_call(request)
    _check_free(call)
    return _changed(call, [_suspension(call), _start(call)])


def _endpoints(call: Call) -> web.Response:
    has_one = call.behaviour.read_write_compute
    return answer({"endpoints": [endpoint_body(call.emulator, call.project)] if has_one else []})


def _branch_call(request: web.Request) -> Call:
    call = project_call(request)
    check_branch(call, request.match_info["branch_id"])
    return call


async def _endpoint_call(request: web.Request) -> Call:
    call = project_call(request)
    is_there = request.match_info["endpoint_id"] == call.project.endpoint.id
    if not (is_there and call.behaviour.read_write_compute):
        raise NotFound("endpoint not found")
    await call.project.refresh(call.now)
    return call


def _check_free(call: Call) -> None:
    call.project.operations.check_free(beside=0, code=call.behaviour.locked_code)


def _start(call: Call) -> Step:
    return Step(
        action="start_compute",
        seconds=call.behaviour.start_compute_seconds,
        finished=partial(_sleep, call.project.endpoint, asleep=False),
    )


def _suspension(call: Call) -> Step:
    return suspension(call, finished=partial(_sleep, call.project.endpoint, asleep=True))


def _sleep(endpoint: Endpoint, *, asleep: bool) -> None:
    endpoint.suspended = asleep


def _changed(call: Call, steps: list[Step]) -> web.Response:
    operations = call.begin(steps)
    body = {"endpoint": endpoint_body(call.emulator, call.project)}
    return answer({**body, **operations_body(call.project, operations)})
