"""Keys, errors and limits: what every call of the emulator has in common."""

import aiohttp
import pytest

from tests.support.neon.emulator import RunningEmulator, fresh, turned

KEYS = ["", "Bearer", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer ключ"]


@pytest.mark.parametrize("header", KEYS)
async def test_without_the_key_nothing_is_told(neon: RunningEmulator, header: str) -> None:
    value = header.format(key=neon.key)

    answer = await neon.client.call("GET", "/projects", headers={"Authorization": value})

    assert answer.status == 401
    assert answer.body["message"] == "supplied credentials do not pass authentication"


async def test_an_error_has_neons_members_and_the_callers_request_id(
    neon: RunningEmulator,
) -> None:
    answer = await neon.client.call("GET", "/nothing", headers={"X-Request-ID": "mine"})

    assert answer.status == 404
    assert answer.body == {"request_id": "mine", "code": "", "message": "not found"}
    assert answer.headers["x-neon-ret-request-id"] == "mine"


async def test_every_answer_has_a_request_id(neon: RunningEmulator) -> None:
    answer = await neon.client.call("GET", "/projects")

    assert answer.headers["x-neon-ret-request-id"]


async def test_a_project_that_is_not_there_is_outside_the_keys_scope(
    neon: RunningEmulator,
) -> None:
    answer = await neon.client.call("GET", "/projects/no-such-one")

    assert answer.status == 404
    assert answer.body["message"] == (
        "not allowed to perform actions outside the project this key is scoped to; "
        'subject_project_id:"no-such-one"'
    )


async def test_a_branch_that_is_not_there_is_not_found(neon: RunningEmulator) -> None:
    answer = await neon.client.call("GET", f"{neon.client.project}/branches/br-none/roles")

    assert (answer.status, answer.body["message"]) == (404, "branch not found")


async def test_what_is_foreign_may_be_forbidden_instead(neon: RunningEmulator) -> None:
    async with turned(neon, foreign_status=403):
        answer = await neon.client.call("GET", "/projects/no-such-one")

    assert answer.status == 403


async def test_a_body_without_what_it_must_have_is_refused_in_neons_words(
    neon: RunningEmulator,
) -> None:
    answer = await neon.client.call("POST", "/projects", {})

    assert answer.status == 400
    assert answer.body["message"] == (
        "invalid request: decode application/json: invalid: project (field required)"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"role": {"name": 5}}', "\xff"])
async def test_a_body_that_is_no_role_is_refused(neon: RunningEmulator, text: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{neon.url}{neon.client.branch}/roles",
            data=text.encode("latin-1"),
            headers={
                "Authorization": f"Bearer {neon.key}",
                "Content-Type": "application/json",
            },
        ) as response,
    ):
        assert response.status == 400
        assert "decode application/json" in (await response.json())["message"]


@pytest.mark.parametrize(
    ("kind", "limit", "code"),
    [
        ("create_role", "roles_limit", "ROLES_LIMIT_EXCEEDED"),
        ("create_database", "databases_limit", "DATABASES_LIMIT_EXCEEDED"),
    ],
)
async def test_beyond_its_limit_a_branch_takes_no_more(
    neon: RunningEmulator, kind: str, limit: str, code: str
) -> None:
    owner = () if kind == "create_role" else ("neondb_owner",)
    async with turned(neon, **{limit: 1}):
        answer = await getattr(neon.client, kind)(fresh("more"), *owner)

    assert (answer.status, answer.body["code"]) == (422, code)


async def test_beyond_its_limit_an_account_takes_no_more(neon: RunningEmulator) -> None:
    async with turned(neon, projects_limit=1):
        answer = await neon.client.create_project()

    assert (answer.status, answer.body["code"]) == (422, "PROJECTS_LIMIT_EXCEEDED")
    assert answer.body["message"] == "user projects limit of 1 exceeded, got 1"


@pytest.mark.parametrize(
    "path", ["/users/me", "/users/me/organizations", "/regions", "/projects/shared"]
)
async def test_clients_learn_about_the_account(neon: RunningEmulator, path: str) -> None:
    assert (await neon.client.call("GET", path)).status == 200


async def test_another_branch_cannot_be_made(neon: RunningEmulator) -> None:
    answer = await neon.client.call("POST", f"{neon.client.project}/branches", {})

    assert answer.status == 501
