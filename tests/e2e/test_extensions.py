"""Extensions: listed, refused, and added to a database, over HTTP and on the command line."""

from adapters.memory.provider import EXTENSIONS
from tests.support.apps import RunningApp, problem_in


def path_of(database: dict[str, str]) -> str:
    return f"/v1/databases/{database['id']}/extensions"


async def test_the_list_has_name_version_and_description(app: RunningApp) -> None:
    answer = await app.ask("GET", "/v1/extensions")

    assert answer.status == 200
    assert answer.body["extensions"] == [
        {"name": each.name, "version": each.version, "description": each.description}
        for each in EXTENSIONS
    ]


async def test_an_added_extension_is_in_the_record(app: RunningApp) -> None:
    database = await app.vend(extensions=["citext"])

    added = await app.ask("POST", path_of(database), {"name": "hstore"})
    again = await app.ask("POST", path_of(database), {"name": "hstore"})

    assert (added.status, again.status) == (200, 200)
    assert added.body["extensions"] == ["citext", "hstore"]
    assert "connection" not in added.body
    shown = await app.ask("GET", f"/v1/databases/{database['id']}")
    assert shown.body["extensions"] == ["citext", "hstore"]
    assert shown.headers["ETag"] == again.headers["ETag"] != added.headers["ETag"]


async def test_an_unavailable_extension_is_refused_with_the_list(app: RunningApp) -> None:
    body = {"nickname": "Maps", "extensions": ["postgis"]}

    refused = await app.ask("POST", "/v1/databases", body)
    promised = await app.ask("POST", "/v1/databases", body, {"Prefer": "respond-async"})

    for answer in (refused, promised):
        problem = problem_in(answer, 422, "extension_unavailable")
        assert all(each.name in problem["detail"] for each in EXTENSIONS)
    assert await app.live() == []
