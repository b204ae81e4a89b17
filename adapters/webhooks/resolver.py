"""Lookup of names in threads of its own.

A caller can choose a name whose server never answers, and a lookup cannot be stopped. In the event
loop's own threads, a few of them would hold up everything else that needs one.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

MAX_THREADS = 128

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
"""An item of what `socket.getaddrinfo` returns."""

GetAddressInfo = Callable[..., Sequence[AddressInfo]]


class ThreadResolver(AbstractResolver):
    """Looks up each name in a new thread. A thread counts until it ends, even if the caller was
    cancelled; while there are `threads` of them, further callers wait."""

    def __init__(
        self, getaddrinfo: GetAddressInfo = socket.getaddrinfo, threads: int = MAX_THREADS
    ) -> None:
        self._getaddrinfo = getaddrinfo
        self._places = asyncio.Semaphore(threads)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError."""
        await self._places.acquire()
        answer = asyncio.get_running_loop().create_future()
        try:
            Thread(target=self._look_up, args=(answer, host, port, family), daemon=True).start()
        except RuntimeError as error:  # the system has no threads left
            self._places.release()
            raise OSError(str(error)) from error
        return [_to_result(host, info) for info in await answer]

    async def close(self) -> None:
        """Do nothing: threads end by themselves, and do not keep the process alive."""

    def _look_up(
        self, answer: asyncio.Future[Sequence[AddressInfo]], host: str, port: int, family: int
    ) -> None:
        """Run in the thread."""
        try:
            infos = self._getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
            finish = partial(self._finish, answer, infos)
        except Exception as error:  # such as UnicodeError for a label that is too long
            finish = partial(self._finish, answer, (), OSError(str(error)))
        with suppress(RuntimeError):  # the event loop is closed
            answer.get_loop().call_soon_threadsafe(finish)

    def _finish(
        self,
        answer: asyncio.Future[Sequence[AddressInfo]],
        infos: Sequence[AddressInfo],
        error: OSError | None = None,
    ) -> None:
        self._places.release()
        if answer.done():  # the caller was cancelled
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(infos)


def _to_result(host: str, info: AddressInfo) -> ResolveResult:
    family, _, proto, _, address = info
    return ResolveResult(
        hostname=host,
        host=str(address[0]),
        port=int(address[1]),
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
