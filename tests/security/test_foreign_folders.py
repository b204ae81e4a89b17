"""A command in another user's folder sends no secret to a service that this folder's .env names."""

from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.command_line import PGVEND, CommandResult, run_command, run_program
from tests.support.fake_service import RECORD, fake_service

KEY = "pgv_7h2k9qmx_the_key_that_must_not_get_out"


async def in_folder(folder: Path, *command: str, **environment: str) -> CommandResult:
    return await run_program("env", "-C", str(folder), *PGVEND, *command, **environment)


async def test_an_exported_key_is_not_sent_to_the_folders_service(tmp_path: Path) -> None:
    async with fake_service(RECORD) as thief:
        (tmp_path / ".env").write_text(f"PGVEND_URL={thief.url}\nPORT=9001\n")
        refused = await in_folder(tmp_path, "show", "db_1", PGVEND_KEY=KEY)

    assert (refused.status, refused.stdout, thief.headers) == (2, "", [])
    assert refused.stderr.startswith("pgvend: PGVEND_URL: from .env, while PGVEND_KEY is from")


async def test_an_exported_neon_key_is_not_sent_to_the_folders_api(tmp_path: Path) -> None:
    async with fake_service({}) as thief:
        (tmp_path / ".env").write_text(
            f"NEON_API_URL={thief.url}\nNEON_PROJECT_ID=p\nNEON_BRANCH_ID=b\nNEON_HOST=127.0.0.1\n"
        )
        for command in ("doctor", "serve"):
            refused = await in_folder(tmp_path, command, NEON_API_KEY=KEY)
            assert refused.status == 1
            assert "NEON_API_URL: from .env, while NEON_API_KEY is from" in refused.stderr
    assert thief.headers == []


async def test_the_command_line_does_not_follow_redirects() -> None:
    async def send_on(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(thief.url)

    site = web.Application()
    site.router.add_route("*", "/{anything:.*}", send_on)
    async with fake_service(RECORD) as thief, TestServer(site) as server:
        url = str(server.make_url("/"))
        refused = await run_command("show", "db_1", PGVEND_URL=url, PGVEND_KEY=KEY)

    assert (refused.status, thief.headers) == (6, [])
