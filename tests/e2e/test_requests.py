"""What holds for every request: its id, and the methods beside those that do the work."""

import pytest

from tests.support.apps import RunningApp, problem_of


@pytest.mark.parametrize("path", ["/livez", "/v1/databases", "/nowhere"])
async def test_a_callers_request_id_comes_back(app: RunningApp, path: str) -> None:
    async with app.client.get(path, headers={"X-Request-ID": "trace-4711_a.b"}) as response:
        assert response.headers["X-Request-ID"] == "trace-4711_a.b"


async def test_without_one_every_request_gets_an_id_of_its_own(app: RunningApp) -> None:
    made = set()
    for _ in range(3):
        async with app.client.get("/livez") as response:
            made.add(response.headers["X-Request-ID"])

    assert len(made) == 3
    assert "" not in made


@pytest.mark.parametrize("garbage", ["", "two words", "a" * 65, 'a"b', "é", "<script>", "a;b"])
async def test_an_id_that_could_harm_a_log_is_replaced(app: RunningApp, garbage: str) -> None:
    async with app.client.get("/nowhere", headers={"X-Request-ID": garbage}) as response:
        problem = await problem_of(response, 404, "not_found")

    assert problem["request_id"] != garbage
    assert problem["request_id"].isalnum()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/api/test", "/v1/databases"])
async def test_head_is_get_without_the_body(app: RunningApp, path: str) -> None:
    async with app.client.get(path) as got, app.client.head(path) as asked:
        assert asked.status == got.status == 200
        assert asked.content_type == got.content_type
        assert await asked.read() == b""


@pytest.mark.parametrize("of", ["", "/connection", "/events"])
async def test_head_of_a_database_is_get_without_the_body(app: RunningApp, of: str) -> None:
    path = f"/v1/databases/{(await app.vend())['id']}{of}"

    async with app.client.get(path) as got, app.client.head(path) as asked:
        await got.read()
        assert asked.status == got.status == 200
        assert asked.content_type == got.content_type
        assert asked.headers.get("ETag") == got.headers.get("ETag")
        assert await asked.read() == b""
    assert await app.get("/livez") == {"status": "ok"}


async def test_head_of_a_problem_has_its_status(app: RunningApp) -> None:
    async with app.client.head("/v1/databases/db_nobody") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/databases", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/v1/databases/db_x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/v1/databases/db_x/connection", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/databases/db_x/events", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/databases/db_x/rotate", {"OPTIONS", "POST"}),
        ("/v1/databases/db_x/restore", {"OPTIONS", "POST"}),
        ("/v1/sweep", {"OPTIONS", "POST"}),
        ("/api/create-neon-db", {"OPTIONS", "POST"}),
        ("/livez", {"GET", "HEAD", "OPTIONS"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "TRACE"])
async def test_a_wrong_method_is_told_the_right_ones(
    app: RunningApp, method: str, path: str, allowed: set[str]
) -> None:
    async with app.client.request(method, path) as response:
        problem = await problem_of(response, 405, "method_not_allowed")

    assert set(response.headers["Allow"].split(",")) == allowed
    assert method in problem["detail"]


async def test_options_without_a_page_that_asks_is_a_problem_not_a_crash(app: RunningApp) -> None:
    async with app.client.options("/v1/databases") as response:
        await problem_of(response, 403, "http_error")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/databases/", "/v1/databases/a/b", "/../etc/passwd", "/%00", "/é"]
)
async def test_an_unknown_path_is_not_found(app: RunningApp, path: str) -> None:
    async with app.client.get(path) as response:
        await problem_of(response, 404, "not_found")


async def test_the_original_route_passes_over_what_it_does_not_know(app: RunningApp) -> None:
    body = {"project": {"name": "Sales", "region": "eu"}, "more": 1}

    answer = await app.ask("POST", "/api/create-neon-db?cache=no", body)

    assert (answer.status, answer.body["database_name"]) == (200, "sales")
