"""Bodies that do not come."""

import asyncio
from typing import cast

import pytest
from aiohttp import web

from entrypoints.http.bodies import body_as
from entrypoints.http.errors import SlowBody
from entrypoints.http.schemas import VendBody


class SilentRequest:
    """Its headers are there, its body never ends."""

    content_type = "application/json"

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        return b""


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with pytest.raises(SlowBody):
        await body_as(VendBody, cast("web.Request", SilentRequest()), patience=0)
