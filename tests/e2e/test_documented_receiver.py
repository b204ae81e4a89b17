"""The receiver that docs/webhooks.md shows accepts genuine messages only."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import psutil
import pytest

from adapters.system.clock import SystemClock
from adapters.webhooks.sender import HttpWebhookSender
from domain.errors import DeliveryFailed
from domain.receivers import ReceiverPolicy
from domain.secrets import Secret
from tests.support.documents import list_blocks
from tests.support.polling import wait_until
from tests.support.receivers import Receiver
from tests.support.service import REPOSITORY

PAGE = REPOSITORY / "docs/webhooks.md"

PORT = "9000"
"""The port of the page; the test takes a free one."""

GENUINE, FALSE = Secret("whsec_Z2VudWluZQ=="), Secret("whsec_ZmFsc2U=")


def _read_source() -> str:
    [source] = [block.text for block in list_blocks(PAGE) if block.language == "python"]
    assert PORT in source
    return source.replace(PORT, "0")


@asynccontextmanager
async def running_page() -> AsyncIterator[asyncio.subprocess.Process]:
    receiver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _read_source()),
        env={"WEBHOOK_SECRET": GENUINE.reveal()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield receiver
    finally:
        receiver.kill()
        await receiver.wait()


def _find_ports(pid: int) -> list[int]:
    """Return the ports that the process listens at."""
    connections = psutil.Process(pid).net_connections()
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


async def test_the_receiver_of_the_page_accepts_genuine_messages_only() -> None:
    policy = ReceiverPolicy((ip_network("127.0.0.0/8"),))
    sender = HttpWebhookSender(policy, SystemClock())
    async with running_page() as page:
        await wait_until(lambda: _find_ports(page.pid))
        [port] = _find_ports(page.pid)
        delivery = Receiver(url=f"http://127.0.0.1:{port}/").create_delivery("evt_7")

        await sender.send(delivery, GENUINE)
        with pytest.raises(DeliveryFailed, match="HTTP status 401"):
            await sender.send(delivery, FALSE)

        assert page.stdout
        assert (await page.stdout.readline()).startswith(b"evt_7 database.created {'nickname':")
