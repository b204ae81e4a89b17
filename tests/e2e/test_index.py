"""`/`: the console for browsers, links for programs."""

from importlib.metadata import version

import pytest

from entrypoints.formats import FORMATS
from entrypoints.http.api.handlers.index import LINKS
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, running_app

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)


def test_the_index_leads_to_every_list() -> None:
    lists = {each.path for each in ROUTES if each.method == "GET" and each.path.startswith("/v1/")}
    assert {path for path in lists if "{" not in path} - {"/v1/spares"} <= set(LINKS.values())


async def test_programs_get_the_addresses_of_the_api(app: RunningApp) -> None:
    index = await app.get("/")

    assert (index["name"], index["version"]) == ("pgvend", version("pgvend"))
    assert index["formats"] == list(FORMATS)
    assert index["links"]["databases"] == "/v1/databases"
    for path in index["links"].values():
        async with app.client.get(path) as answer:
            assert answer.status in {200, 405}, path


@pytest.mark.parametrize("accept", [CHROMIUM, "text/html", "text/*, application/json;q=0.5"])
async def test_browsers_get_the_console(app: RunningApp, accept: str) -> None:
    async with app.client.get("/", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", ["/", "/console/index.html"])
async def test_the_console_loads_and_runs_nothing_from_elsewhere(
    app: RunningApp, path: str
) -> None:
    async with app.client.get(path, headers={"Accept": "text/html"}) as answer:
        assert set(answer.headers["Content-Security-Policy"].split("; ")) == {
            *("default-src 'none'", "script-src 'self'", "style-src 'self'"),
            *("img-src 'self' data:", "connect-src 'self'", "base-uri 'none'"),
            *("form-action 'none'", "frame-ancestors 'none'"),
        }


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/*, text/html;q=0.9"]
)
async def test_others_get_json(app: RunningApp, accept: str) -> None:
    async with app.client.get("/", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.headers["Vary"] == "Accept"


async def test_the_index_varies_by_origin_too() -> None:
    async with (
        running_app(cors_allow_origins="https://app.example") as app,
        app.client.get("/") as answer,
    ):
        assert answer.headers.getall("Vary") == ["Accept", "Origin"]


async def test_a_slash_after_docs_leads_to_the_page(app: RunningApp) -> None:
    async with app.client.get("/docs/") as answer:
        assert (answer.status, answer.url.path) == (200, "/docs")


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpages.py", "pages.py", "%00"])
async def test_other_files_are_not_served(app: RunningApp, name: str) -> None:
    async with app.client.get(f"/console/{name}") as answer:
        assert answer.status == 404
