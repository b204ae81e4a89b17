"""Without keys, other people's pages cannot have anything done by what browsers send unasked."""

from typing import Any

import pytest

from tests.support.apps import RunningApp, problem_in, running_app

FOREIGN = ["https://attacker.example", "null", "http://localhost.attacker.example:8000", "file://"]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("insecure", [False, True])
async def test_a_foreign_page_changes_no_password(origin: str, insecure: bool) -> None:
    async with running_app(insecure=insecure) as app:
        made = await app.vend()
        path = f"/v1/databases/{made['id']}/rotate"

        answer = await app.ask("POST", path, headers={"Origin": origin})

        problem_in(answer, 403, "forbidden")
        assert app.accepts(made["connection"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_foreign_pages_form_orders_nothing(app: RunningApp, content_type: str) -> None:
    headers = {"Origin": "https://attacker.example", "Content-Type": content_type}
    async with app.client.post(
        "/v1/databases", data=b'{"nickname": "theirs"}', headers=headers
    ) as answer:
        assert answer.status == 403
    assert await app.nothing_is_left()


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://App.example"]
)
async def test_pages_of_this_machine_and_of_the_list_may(origin: str) -> None:
    async with running_app(cors_allow_origins="https://app.example") as app:
        assert (await app.ask("POST", "/v1/sweep", headers={"Origin": origin})).status == 200


async def test_a_page_of_the_service_itself_may() -> None:
    async with running_app(insecure=True) as app:
        headers = {"Origin": "http://db.example:8000", "Host": "db.example:8000"}

        assert (await app.ask("POST", "/v1/sweep", headers=headers)).status == 200


async def test_programs_that_name_no_page_may(app: RunningApp) -> None:
    assert (await app.ask("POST", "/v1/sweep")).status == 200


async def test_with_keys_the_key_counts() -> None:
    keys: dict[str, Any] = {"admin_key": "0123456789abcdef0123"}
    async with running_app(**keys) as app:
        headers = {
            "Origin": "https://anywhere.example",
            "Authorization": "Bearer 0123456789abcdef0123",
        }

        assert (await app.ask("POST", "/v1/sweep", headers=headers)).status == 200
