"""Execution of blocking functions outside the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ports.driven.cancellation import run_to_completion

P = ParamSpec("P")
T = TypeVar("T")


async def run_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread. A cancelled caller waits for its end: a thread cannot be stopped, and
    the folder's lock must not be released while it works in the folder."""
    return await run_to_completion(asyncio.to_thread(work, *args, **kwargs))
