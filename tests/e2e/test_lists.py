"""`GET /v1/databases`: pages and filters, and queries that are none."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.apps import RunningApp


async def test_an_empty_list_is_one_page(app: RunningApp) -> None:
    assert await app.get("/v1/databases") == {"databases": [], "next_page_token": ""}


@pytest.mark.parametrize("page_size", [1, 3, 7, 200])
async def test_the_pages_together_are_the_list_newest_first(
    app: RunningApp, page_size: int
) -> None:
    made = [(await app.vend(f"n {n}", labels={"odd": str(n % 2)}))["id"] for n in range(7)]

    listed = [database["id"] async for database in _all(app, page_size)]
    odd = [database["id"] async for database in _all(app, page_size, "&label=odd=1")]

    assert listed == sorted(made, reverse=True)
    assert odd == sorted(made[1::2], reverse=True)


async def test_a_list_holds_no_secret(app: RunningApp) -> None:
    passwords = [(await app.vend(f"n{number}"))["connection"]["password"] for number in range(3)]

    async with app.client.get("/v1/databases") as response:
        text = await response.text()

    assert not [password for password in passwords if password in text]
    assert "connection" not in text


async def test_states_filter_and_may_be_many(app: RunningApp) -> None:
    kept, dropped = await app.vend("kept"), await app.vend("dropped")
    await app.ask("DELETE", f"/v1/databases/{dropped['id']}")
    going = "state=retiring&state=retired"

    assert await _ids(app, "state=ready") == {kept["id"]}
    assert await _ids(app, going) == {dropped["id"]}
    assert await _ids(app, f"state=ready&{going}") == {kept["id"], dropped["id"]}
    assert await _ids(app, "state=failed") == set()


async def test_labels_filter_and_all_must_fit(app: RunningApp) -> None:
    both = await app.vend("both", labels={"team": "a", "env": "ci"})
    one = await app.vend("one", labels={"team": "a"})
    await app.vend("none")

    assert await _ids(app, "label=team=a") == {both["id"], one["id"]}
    assert await _ids(app, "label=team=a&label=env=ci") == {both["id"]}
    assert await _ids(app, "label=team=b") == set()


async def _all(app: RunningApp, page_size: int, more: str = "") -> AsyncIterator[Any]:
    token = ""
    while True:
        page = await app.get(f"/v1/databases?page_size={page_size}&page_token={token}{more}")
        assert len(page["databases"]) <= page_size
        for database in page["databases"]:
            yield database
        if not (token := page["next_page_token"]):
            return


async def _ids(app: RunningApp, query: str) -> set[str]:
    return {database["id"] for database in (await app.get(f"/v1/databases?{query}"))["databases"]}
