"""`GET /v1/databases`: pages and filters, and queries that are none."""

from tests.support.apps import RunningApp


async def test_the_pages_together_are_the_list_newest_first(app: RunningApp) -> None:
    made = [(await app.vend(f"n {n}", labels={"odd": str(n % 2)}))["id"] for n in range(7)]
    assert await _in_pages(app) == sorted(made, reverse=True)
    assert await _in_pages(app, "&label=odd=1") == sorted(made[1::2], reverse=True)


async def test_states_filter_and_may_be_many(app: RunningApp) -> None:
    kept, dropped = await app.vend("kept"), await app.vend("dropped")
    await app.ask("DELETE", f"/v1/databases/{dropped['id']}")
    going = "state=retiring&state=retired"
    assert await _ids(app, "state=ready") == {kept["id"]}
    assert await _ids(app, f"state=ready&{going}") == {kept["id"], dropped["id"]}


async def test_labels_filter_and_all_must_fit(app: RunningApp) -> None:
    both = await app.vend("both", labels={"team": "a", "env": "ci"})
    one = await app.vend("one", labels={"team": "a"})
    await app.vend("none")

    assert await _ids(app, "label=team=a") == {both["id"], one["id"]}
    assert await _ids(app, "label=team=a&label=env=ci") == {both["id"]}
    empty = await app.get("/v1/databases?label=team=b")
    assert empty == {"databases": [], "next_page_token": ""}


async def _in_pages(app: RunningApp, query: str = "") -> list[str]:
    """The ids, from pages of three."""
    page = await app.get(f"/v1/databases?page_size=3{query}")
    pages = [page]
    while token := page["next_page_token"]:
        page = await app.get(f"/v1/databases?page_size=3&page_token={token}{query}")
        pages.append(page)
    assert all(len(each["databases"]) <= 3 for each in pages)
    return [database["id"] for each in pages for database in each["databases"]]


async def _ids(app: RunningApp, query: str) -> set[str]:
    return {database["id"] for database in (await app.get(f"/v1/databases?{query}"))["databases"]}
