"""What the console copies logs in to a real server."""

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.support.console import Console
from tests.support.provision_requests import unique_name
from tests.support.requirements import skip_without
from tests.support.service import RunningService

pytestmark = pytest.mark.browser

WHO = "SELECT current_database()"


async def run_psql(uri: str) -> str:
    """Return what psql prints with that URI."""
    if not (program := shutil.which("psql")):
        skip_without("psql: apt-get install postgresql-client")
    process = await asyncio.create_subprocess_exec(
        program, "--no-psqlrc", "-Atwc", WHO, uri, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await process.communicate()
    return output.decode().strip()


async def test_psql_logs_in_with_what_was_copied(console: Console, service: RunningService) -> None:
    page, name = console.page, unique_name()
    await page.goto(service.url)
    card = await console.create(name)
    uri = await console.copied(card.get_by_role("button", name="Copy", exact=True))
    database = urlsplit(uri).path.removeprefix("/")
    assert await run_psql(uri) == database

    listed = await console.copied(
        console.row(name).get_by_role("button", name=f"Copy the URI of {name}")
    )
    assert await run_psql(listed) == database

    details = await console.open_details(name)
    await details.get_by_role("button", name="Rotate").click()
    dialog = console.dialog(f"Rotate the password of {name}")
    await dialog.get_by_role("button", name="Rotate password").click()
    await expect(details).to_contain_text("The login was checked.")
    panel = details.get_by_role("tabpanel")
    rotated = await console.copied(panel.get_by_role("button", name="Copy", exact=True))
    assert await run_psql(rotated) == database
    assert "password authentication failed" in await run_psql(uri)

    await details.get_by_role("button", name="Delete").click()
    deletion = console.dialog(f"Delete {name}")
    await deletion.get_by_label("Type the name to confirm").fill(database)
    await deletion.get_by_role("button", name="Delete database").click()
    await expect(details).to_contain_text("deleted")
    assert await run_psql(rotated) != database
