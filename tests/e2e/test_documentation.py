"""The OpenAPI document and the documentation page over HTTP."""

import re

import pytest

from entrypoints.http.api.handlers.documentation import SCRIPTS
from tests.support.apps import RunningApp, read_problem, running_app


async def test_the_document_shows_whether_a_key_is_required(app: RunningApp) -> None:
    async with running_app(api_keys="a-static-key-of-the-tests") as keyed:
        ways = [
            (await each.get("/openapi.json"))["paths"]["/v1/databases"]["post"]["security"]
            for each in (app, keyed)
        ]
    assert ways == [[{}, {"key": []}], [{"key": []}]]


async def test_the_page_runs_only_its_own_files(app: RunningApp) -> None:
    async with app.client.get("/docs") as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?:|<script>", page)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/openapi.json", "application/json"),
        ("/llms.txt", "text/plain"),
        ("/docs", "text/html"),
        ("/docs/docs.css", "text/css"),
        *((f"/docs/{script}", "text/javascript") for script in SCRIPTS),
    ],
)
async def test_every_file_has_its_media_type(app: RunningApp, path: str, media_type: str) -> None:
    async with app.client.get(path) as response:
        assert (response.status, response.content_type) == (200, media_type)


@pytest.mark.parametrize("name", ["none.js", "..%2fapp.py", "%2e%2e%2fapp.py", "%00", "docs.py"])
async def test_no_other_file_is_served(app: RunningApp, name: str) -> None:
    async with app.client.get(f"/docs/{name}") as response:
        await read_problem(response, 404, "not_found")
