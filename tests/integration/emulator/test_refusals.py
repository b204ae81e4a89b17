"""Refusals of the emulator: they have Neon's status and message, and change nothing."""

from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests.support.neon.client import OWNER, Answer
from tests.support.neon.emulator import RunningEmulator, override_behaviour

KEYS = ["", "Bearer", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer ключ"]

ROLES, DATABASES = "POST {branch}/roles", "POST {branch}/databases"
PROJECTS, NEONDB = "POST /projects", "PATCH {branch}/databases/neondb"

NOT_OBJECTS: list[Any] = [{}, [], 1]

WRONG_BODIES: dict[str, list[Any]] = {
    ROLES: [
        *NOT_OBJECTS,
        *({"role": role} for role in (None, "ana", {}, {"name": None}, {"name": 7})),
        *({"role": {"name": "ana", "no_login": no}} for no in ("yes", 1, None)),
    ],
    DATABASES: [
        *NOT_OBJECTS,
        {"database": {"name": "shop"}},
        {"database": {"owner_name": OWNER}},
        {"database": {"name": 7, "owner_name": OWNER}},
    ],
    NEONDB: [
        *NOT_OBJECTS,
        *({"database": change} for change in (None, {"name": None}, {"owner_name": 7})),
    ],
    PROJECTS: [
        *NOT_OBJECTS,
        {"project": None},
        *({"project": {"name": name}} for name in ("", "x" * 257, None)),
        *({"project": {"pg_version": version}} for version in ("17", 13, 17, 17.5)),
        {"project": {"store_passwords": "no"}},
        {"project": {"org_id": "An Organization"}},
        *(
            {"project": {"branch": branch}}
            for branch in (None, {"name": "x" * 257}, {"role_name": 7})
        ),
    ],
    "PATCH {project}": [{}, {"project": {"name": 7}}],
    "PATCH {branch}": [{}, {"branch": {"name": "x" * 257}}, {"branch": {"name": 7}}],
}

ORG = "org_id=An+Organization"

WRONG_QUERIES = {
    "/projects": ["limit=0", "limit=401", "limit=ten", "limit=", "cursor=x", "timeout=1", ORG],
    "/projects/shared": ["limit=401"],
    "{project}/operations": ["limit=0", "limit=1001"],
    "{project}/branches": ["limit=0", "limit=10001", "sort_by=size", "sort_order=random"],
    "{project}/connection_uri": [
        "",
        f"role_name={OWNER}",
        "database_name=neondb",
        f"role_name={OWNER}&database_name=neondb&pooled=maybe",
    ],
}


@dataclass(frozen=True)
class Refusal:
    """A refused call. `words` are part of the code or the message."""

    status: int
    words: str
    call: str
    body: Any = None
    overrides: dict[str, Any] = field(default_factory=dict)


def _role(name: str, status: int, words: str, **overrides: Any) -> Refusal:
    return Refusal(status, words, ROLES, {"role": {"name": name}}, overrides)


def _database(name: str, owner: str, status: int, words: str, **overrides: Any) -> Refusal:
    body = {"database": {"name": name, "owner_name": owner}}
    return Refusal(status, words, DATABASES, body, overrides)


FOREIGN = (
    "not allowed to perform actions outside the project this key is scoped to; "
    'subject_project_id:"no-such-one"'
)
INVALID = "invalid request: decode application/json: invalid: project (field required)"
NO_COMPUTE = "create a read-write endpoint to manage roles on this branch"
UNKNOWN_OPERATION = "{project}/operations/6f9b0d1e-6a3c-4f8e-9d2b-0a1b2c3d4e5f"
RENAMED = {"database": {"name": "x"}}
REVEALED = f"GET {{branch}}/roles/{OWNER}/reveal_password"
TOO_MANY = "PROJECTS_LIMIT_EXCEEDED user projects limit of 1 exceeded, got 1"

REFUSALS = {
    "an unknown path": Refusal(404, "not found", "GET /nowhere"),
    "an id that no project can have": Refusal(404, "", "GET /projects/An%20Id"),
    "an id that no branch can have": Refusal(404, "", "GET {project}/branches/An%20Id"),
    "another project": Refusal(404, FOREIGN, "GET /projects/no-such-one"),
    "another project, forbidden": Refusal(
        403, FOREIGN, "GET /projects/no-such-one", None, {"foreign_status": 403}
    ),
    "another branch": Refusal(404, "branch not found", "GET {project}/branches/br-none/roles"),
    "a missing operation": Refusal(404, "", f"GET {UNKNOWN_OPERATION}"),
    "a missing role": Refusal(404, "", "GET {branch}/roles/nobody"),
    "the password of a missing role": Refusal(
        404, "Role not found", "GET {branch}/roles/nobody/reveal_password"
    ),
    "a new password for a missing role": Refusal(
        404, "Role not found", "POST {branch}/roles/nobody/reset_password"
    ),
    "a missing database": Refusal(404, "", "GET {branch}/databases/nothing"),
    "a change to a missing database": Refusal(404, "", "PATCH {branch}/databases/nothing", RENAMED),
    "an unknown method": Refusal(405, "", "PUT /projects"),
    "a second role": _role(OWNER, 409, "already exists"),
    "a second database": _database("neondb", OWNER, 409, "already exists"),
    "a change without a compute": _role("bob", 412, NO_COMPUTE, read_write_compute=False),
    "a password that is not stored": Refusal(
        412, "Storing passwords is disabled", REVEALED, None, {"store_passwords": False}
    ),
    "a missing owner": _database(
        "shop", "nobody", 422, 'database owner not found; role_name:"nobody"'
    ),
    "one role too many": _role("bob", 422, "ROLES_LIMIT_EXCEEDED", roles_limit=1),
    "one database too many": _database(
        "shop", OWNER, 422, "DATABASES_LIMIT_EXCEEDED", databases_limit=1
    ),
    "one project too many": Refusal(
        422, TOO_MANY, PROJECTS, {"project": {}}, {"projects_limit": 1}
    ),
    "an owner's deletion": Refusal(422, "", f"DELETE {{branch}}/roles/{OWNER}"),
    "the root branch's deletion": Refusal(422, "", "DELETE {branch}"),
    "a second branch": Refusal(501, "", "POST {project}/branches", {}),
    "a body that lacks a field": Refusal(400, INVALID, PROJECTS, {}),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
async def test_a_refusal_has_neons_status_and_message(
    neon: RunningEmulator, refusal: Refusal
) -> None:
    before = await neon.snapshot()
    async with override_behaviour(neon, **refusal.overrides):
        answer = await _send(neon, refusal.call, refusal.body)

    assert answer.status == refusal.status
    assert refusal.words in f"{answer.body['code']} {answer.body['message']}"
    assert await neon.snapshot() == before


@pytest.mark.parametrize(
    ("call", "body"), [(call, body) for call, bodies in WRONG_BODIES.items() for body in bodies]
)
async def test_an_invalid_body_is_refused(neon: RunningEmulator, call: str, body: Any) -> None:
    assert (await _send(neon, call, body)).status == 400


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"role": {"name": 5}}', "\xff"])
async def test_malformed_json_is_refused(neon: RunningEmulator, text: str) -> None:
    headers = {"Authorization": f"Bearer {neon.key}", "Content-Type": "application/json"}
    url, data = f"{neon.url}{neon.client.branch}/roles", text.encode("latin-1")
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, data=data) as response,
    ):
        assert response.status == 400
        assert "decode application/json" in (await response.json())["message"]


async def test_another_content_type_is_refused(neon: RunningEmulator) -> None:
    headers, body = {"Content-Type": "text/plain"}, {"role": {"name": "ana"}}
    assert (await _send(neon, ROLES, body, headers=headers)).status == 400


@pytest.mark.parametrize(
    "path", [f"{path}?{query}" for path, queries in WRONG_QUERIES.items() for query in queries]
)
async def test_an_invalid_query_is_refused(neon: RunningEmulator, path: str) -> None:
    assert (await _send(neon, f"GET {path}")).status == 400


@pytest.mark.parametrize("header", KEYS)
@pytest.mark.parametrize("path", ["/projects", "/nowhere"])
async def test_requests_without_the_key_are_refused(
    neon: RunningEmulator, path: str, header: str
) -> None:
    headers = {"Authorization": header.format(key=neon.key)}
    answer = await _send(neon, f"GET {path}", headers=headers)

    assert answer.status == 401
    assert answer.body["message"] == "supplied credentials do not pass authentication"


async def test_responses_have_a_request_id_and_errors_have_neons_fields(
    neon: RunningEmulator,
) -> None:
    assert (await _send(neon, "GET /projects")).headers["x-neon-ret-request-id"]
    answer = await _send(neon, "GET /nothing", headers={"X-Request-ID": "mine"})

    assert answer.body == {"request_id": "mine", "code": "", "message": "not found"}
    assert answer.headers["x-neon-ret-request-id"] == "mine"


async def _send(neon: RunningEmulator, call: str, body: Any = None, **more: Any) -> Answer:
    method, path = call.split(" ")
    whole = path.format(project=neon.client.project, branch=neon.client.branch)
    return await neon.client.call(method, whole, body, **more)
