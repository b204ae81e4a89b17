"""The files of the console over HTTP."""

import re

import pytest

from entrypoints.console.pages import PageFile, load_files
from tests.support.apps import RunningApp, read_problem

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

_IMPORT = re.compile(r'from "\./([a-z_]+\.js)"')


async def test_every_file_has_its_media_type_and_its_version(app: RunningApp) -> None:
    media_types = {}
    for name in load_files():
        async with app.client.get(f"/console/{name}") as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-cache"
            media_types[name.rpartition(".")[2]] = answer.headers["Content-Type"]
        version = {"If-None-Match": answer.headers["ETag"]}
        async with app.client.get(f"/console/{name}", headers=version) as again:
            assert (again.status, await again.read()) == (304, b"")
            assert again.headers["ETag"] == answer.headers["ETag"]
    assert media_types == {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml; charset=utf-8",
    }


async def test_another_version_is_sent_in_full(app: RunningApp) -> None:
    async with app.client.get("/console/app.js", headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


async def test_the_page_runs_only_its_own_files(app: RunningApp) -> None:
    async with app.client.get("/", headers=HTML) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?:|<script>", page)
    named = set(re.findall(r'"console/([^"]+)"', page))
    imported = {name for file in load_files().values() for name in _IMPORT.findall(_text(file))}
    assert named | imported | {"index.html"} == set(load_files()), "each file is used, and exists"


@pytest.mark.parametrize("name", ["none.js", "..%2fpages.py", "%2e%2e%2fpages.py", "%00", "app.py"])
async def test_no_other_file_is_served(app: RunningApp, name: str) -> None:
    async with app.client.get(f"/console/{name}") as answer:
        await read_problem(answer, 404, "not_found")


def test_data_never_becomes_markup() -> None:
    """A nickname is text that a stranger may have chosen."""
    sinks = re.compile(r"\b(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|srcdoc")
    scripts = {name: _text(file) for name, file in load_files().items() if name.endswith(".js")}
    assert not [name for name, text in scripts.items() if sinks.search(text)]


def test_the_key_is_kept_nowhere() -> None:
    stores = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\b")
    assert not [name for name, file in load_files().items() if stores.search(_text(file))]


def _text(file: PageFile) -> str:
    return file.body.decode()
