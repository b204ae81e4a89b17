"""The system user that runs the server when pgvend runs as root."""

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator

import pytest

from tests.support.service import REPOSITORY

CREATE = """
import asyncio, sys
from adapters.embedded import account
account.SYSTEM_USER = sys.argv[1]
print(asyncio.run(account.prepare_account()))
"""


@pytest.fixture
def user() -> Iterator[str]:
    """A name for a new system user, which is removed afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root creates users")
    name = f"pgvend-{secrets.token_hex(4)}"
    yield name
    os.system(f"userdel {name}")  # noqa: S605 - the name is generated


async def test_services_that_start_at_once_create_one_system_user(user: str) -> None:
    accounts = await asyncio.gather(*(_account_of_a_process(user) for _ in range(4)))

    assert len(set(accounts)) == 1
    assert accounts[0].startswith("Account(uid=")


async def _account_of_a_process(user: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CREATE, user, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()
