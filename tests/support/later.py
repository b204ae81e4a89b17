"""Trouble that begins when a test says so."""

from adapters.memory.provider import Trouble, no_trouble


class Later:
    """As a MemoryProvider's trouble: none, until `begins` is given some."""

    def __init__(self) -> None:
        self.begins: Trouble = no_trouble

    async def __call__(self, moment: str) -> None:
        await self.begins(moment)
