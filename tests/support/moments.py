"""The first moment at which something is so: before anybody else gets to know."""

import asyncio
from collections.abc import Callable

from tests.support.polling import PATIENCE


async def moment_of(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds. Raises TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
