"""The search for leaked secrets finds every form of a secret."""

import asyncio
import base64
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.support.leak_checks import environments, scenario
from tests.support.leak_checks.secret_search import (
    SecretSearch,
    create_marked_secret,
    watch_process_titles,
)
from tests.support.polling import wait_until
from tests.support.servers import ram_folder
from tests.support.service import running_service

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "url": lambda text: f"postgresql://admin:{quote(text, safe='')}@db.example/postgres",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "basic auth": lambda text: base64.b64encode(f"admin:{text}".encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(f"a{text}b".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "repr": lambda text: repr({"password": text}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_secret_is_found_in_every_form(form: Callable[[str], str]) -> None:
    search = SecretSearch()
    text = search.create_marked_secret("the secret")
    search.add("in the log", f"some line\n{form(text)}\nanother line")

    assert any("the secret" in leaks and "in the log" in leaks for leaks in search.find_leaks())


def test_other_texts_are_not_reported() -> None:
    search = SecretSearch(
        marked_secrets=[create_marked_secret("the secret")],
        database_passwords=[create_marked_secret("a password")],
    )
    search.add("in the log", "nothing but *** and " + create_marked_secret("another one").text)

    assert search.find_leaks() == []


def test_a_password_may_only_be_in_an_answer() -> None:
    password, key = create_marked_secret("a password"), create_marked_secret("a key")
    search = SecretSearch(marked_secrets=[key], database_passwords=[password])
    search.answers.append(("in the answer", password.text.encode()))
    assert search.find_leaks() == []

    search.answers.append(("in the answer", key.text.encode()))
    search.add("in the log", password.text)
    assert {leaks.split(",")[0] for leaks in search.find_leaks()} == {"a key", "a password"}


async def test_a_secret_in_a_nickname_is_found_everywhere() -> None:
    """A nickname is stored and returned as the caller typed it."""
    search = SecretSearch()
    marked_text = search.create_marked_secret("the marked secret")
    with ram_folder() as parent:
        folder = parent / "data"
        async with (
            environments.bundled(search, folder) as environment,
            running_service(folder, **environment.settings) as service,
            scenario.recording_client(search, service, "no key") as call_api,
        ):
            await call_api("POST", "/v1/databases", {"nickname": marked_text}, reveals=True)
            search.add("in the service's output", service.output())
        search.add_files(folder)

    places = {leaks.split(", ")[-1] for leaks in search.find_leaks()}
    assert places >= {
        "in the answer to POST /v1/databases (201)",
        "in the service's output",
        "in the file registry.sqlite3-wal",
    }


async def test_a_secret_in_a_process_title_is_found() -> None:
    """The process is a child of a watched one."""
    search = SecretSearch()
    marked_text = search.create_marked_secret("the marked secret")
    wait = "import sys; sys.stdin.read()"
    start = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{wait}', '{marked_text}'])"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", start, stdin=asyncio.subprocess.PIPE
    )
    async with watch_process_titles([parent.pid]) as titles:

        async def is_there() -> bool:
            return any(title.endswith(marked_text) for title in titles)

        await wait_until(is_there)
    await parent.communicate(b"")  # which ends both
