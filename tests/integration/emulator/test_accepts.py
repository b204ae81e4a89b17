"""The emulator accepts no request that Neon's description does not allow."""

from typing import Any

import pytest

from tests.support.neon.emulator import RunningEmulator

ROLE = ("POST", "{branch}/roles")
DATABASE = ("POST", "{branch}/databases")
CHANGED_DATABASE = ("PATCH", "{branch}/databases/neondb")
PROJECT = ("POST", "/projects")
CHANGED_PROJECT = ("PATCH", "{project}")
CHANGED_BRANCH = ("PATCH", "{branch}")

NO_OBJECTS: list[Any] = [{}, [], 1]

WRONG_BODIES: list[tuple[tuple[str, str], Any]] = [
    *((call, body) for call in (ROLE, DATABASE, CHANGED_DATABASE, PROJECT) for body in NO_OBJECTS),
    (ROLE, {"role": None}),
    (ROLE, {"role": "ana"}),
    (ROLE, {"role": {}}),
    (ROLE, {"role": {"name": None}}),
    (ROLE, {"role": {"name": 7}}),
    (ROLE, {"role": {"name": "ana", "no_login": "yes"}}),
    (ROLE, {"role": {"name": "ana", "no_login": 1}}),
    (ROLE, {"role": {"name": "ana", "no_login": None}}),
    (DATABASE, {"database": {"name": "shop"}}),
    (DATABASE, {"database": {"owner_name": "neondb_owner"}}),
    (DATABASE, {"database": {"name": 7, "owner_name": "neondb_owner"}}),
    (CHANGED_DATABASE, {"database": None}),
    (CHANGED_DATABASE, {"database": {"name": None}}),
    (CHANGED_DATABASE, {"database": {"owner_name": 7}}),
    (PROJECT, {"project": None}),
    (PROJECT, {"project": {"name": ""}}),
    (PROJECT, {"project": {"name": "x" * 257}}),
    (PROJECT, {"project": {"name": None}}),
    (PROJECT, {"project": {"pg_version": "17"}}),
    (PROJECT, {"project": {"pg_version": 13}}),
    (PROJECT, {"project": {"pg_version": 17.5}}),
    (PROJECT, {"project": {"store_passwords": "no"}}),
    (PROJECT, {"project": {"org_id": "An Organization"}}),
    (PROJECT, {"project": {"branch": None}}),
    (PROJECT, {"project": {"branch": {"name": "x" * 257}}}),
    (PROJECT, {"project": {"branch": {"role_name": 7}}}),
    (CHANGED_PROJECT, {}),
    (CHANGED_PROJECT, {"project": {"name": 7}}),
    (CHANGED_BRANCH, {}),
    (CHANGED_BRANCH, {"branch": {"name": "x" * 257}}),
    (CHANGED_BRANCH, {"branch": {"name": 7}}),
]

WRONG_QUERIES = [
    "/projects?limit=0",
    "/projects?limit=401",
    "/projects?limit=ten",
    "/projects?limit=",
    "/projects?org_id=An+Organization",
    "/projects?timeout=1",
    "/projects/shared?limit=401",
    "{project}/operations?limit=0",
    "{project}/operations?limit=1001",
    "{project}/branches?limit=0",
    "{project}/branches?limit=10001",
    "{project}/branches?sort_by=size",
    "{project}/branches?sort_order=random",
    "{project}/connection_uri",
    "{project}/connection_uri?role_name=neondb_owner",
    "{project}/connection_uri?database_name=neondb",
    "{project}/connection_uri?role_name=neondb_owner&database_name=neondb&pooled=maybe",
]


@pytest.mark.parametrize(("call", "body"), WRONG_BODIES)
async def test_no_wrong_body(neon: RunningEmulator, call: tuple[str, str], body: Any) -> None:
    method, path = call
    answer = await neon.client.call(method, _whole(neon, path), body)

    assert answer.status == 400


async def test_no_body_that_is_said_to_be_something_else(neon: RunningEmulator) -> None:
    headers = {"Content-Type": "text/plain"}
    body = {"role": {"name": "ana"}}
    answer = await neon.client.call("POST", f"{neon.client.branch}/roles", body, headers=headers)

    assert answer.status == 400


@pytest.mark.parametrize("path", WRONG_QUERIES)
async def test_no_wrong_query(neon: RunningEmulator, path: str) -> None:
    answer = await neon.client.call("GET", _whole(neon, path))

    assert answer.status == 400


@pytest.mark.parametrize("path", ["/projects/An%20Id", "{project}/branches/An%20Id"])
async def test_no_wrong_id(neon: RunningEmulator, path: str) -> None:
    answer = await neon.client.call("GET", _whole(neon, path))

    assert answer.status in {400, 404}


def _whole(neon: RunningEmulator, path: str) -> str:
    return path.format(project=neon.client.project, branch=neon.client.branch)
