"""Every route succeeds as Neon describes it. Other tests cover refusals and faults: each emulator
checks all its exchanges against the description at its end."""

from typing import Any

import pytest

from entrypoints.neon_emulator.behaviour import Behaviour
from tests.support.neon.client import OWNER
from tests.support.neon.conformity import create_checker
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.exchanges import API

NEVER_ACCEPTED = {
    "POST /projects/{project_id}/branches",  # the emulator has one branch in each project
    "DELETE /projects/{project_id}/branches/{branch_id}",  # the root branch
}

CALLS: list[tuple[str, Any]] = [
    ("POST {branch}/roles", {"role": {"name": "ana"}}),
    ("POST {branch}/databases", {"database": {"name": "shop", "owner_name": "ana"}}),
    ("GET /users/me", None),
    ("GET /users/me/organizations", None),
    ("GET /regions", None),
    ("GET /projects?limit=400&search=a&org_id=org-1", None),
    ("GET /projects", None),
    ("GET /projects/shared?limit=100", None),
    ("GET {project}", None),
    ("GET {project}/operations", None),
    ("GET {project}/operations/{operation}", None),
    ("GET {project}/branches?limit=100&sort_by=name&sort_order=asc", None),
    ("GET {project}/branches/count", None),
    ("GET {branch}", None),
    ("GET {project}/endpoints", None),
    ("GET {branch}/endpoints", None),
    ("GET {endpoint}", None),
    ("GET {branch}/roles", None),
    ("GET {branch}/roles/ana", None),
    ("GET {branch}/roles/ana/reveal_password", None),
    ("GET {branch}/databases", None),
    ("GET {branch}/databases/shop", None),
    ("GET {project}/connection_uri?role_name=ana&database_name=shop&pooled=true", None),
    ("POST {branch}/roles/ana/reset_password", None),
    ("PATCH {branch}/databases/shop", {"database": {"name": "stock", "owner_name": OWNER}}),
    ("DELETE {branch}/databases/stock", None),
    ("DELETE {branch}/roles/ana", None),
    ("POST {endpoint}/suspend", None),
    ("POST {endpoint}/start", None),
    ("POST {endpoint}/restart", None),
    ("PATCH {project}", {"project": {"name": "renamed"}}),
    ("PATCH {branch}", {"branch": {"name": "dev"}}),
    ("POST /projects", {"project": {"name": "another", "pg_version": 18}}),
]


async def test_every_route_succeeds_as_described() -> None:
    if (checker := create_checker()) is None:
        pytest.skip("needs Neon's description: see NEON_OPENAPI")
    fast = Behaviour(operation_seconds=0, start_compute_seconds=0)
    async with running_emulator(fast, middlewares=[checker.middleware()], checked=False) as neon:
        for call, body in CALLS:
            await _succeed(neon, call, body)
        (other,) = neon.emulator.projects.keys() - {neon.project_id}
        await _succeed(neon, f"DELETE /projects/{other}")

    accepted = {title[:-4] for title in checker.seen if title.endswith(("200", "201"))}
    assert checker.violations == []
    assert _routes(neon) - accepted == NEVER_ACCEPTED


async def _succeed(neon: RunningEmulator, call: str, body: Any = None) -> None:
    method, path = call.split(" ")
    client = neon.client
    whole = path.format(
        project=client.project,
        branch=client.branch,
        endpoint=f"{client.project}/endpoints/{neon.emulator.first.endpoint.id}",
        operation=neon.emulator.first.operations.all[0].id,
    )
    answer = await client.call(method, whole, body)
    assert answer.status < 300, (call, answer)
    if method != "GET" and "operations" in answer.body:
        await client.wait_until_done(answer)


def _routes(neon: RunningEmulator) -> set[str]:
    routes = neon.emulator.app.router.routes()
    named = {f"{each.method} {each.resource.canonical}" for each in routes if each.resource}
    return {name.replace(API, "", 1) for name in named if API in name}
