"""Marked secrets, known by sight in whatever form they turn up, and the places to look at."""

import asyncio
import secrets as chance
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

AWKWARD = "+/%:@"
"""What has another look in a URL: so it is seen whether one was quoted there."""


@dataclass(frozen=True)
class Canary:
    """A secret of which no trace may be found; `what` says which it is."""

    what: str
    text: str

    @cached_property
    def forms(self) -> Mapping[str, bytes]:
        """All that it may look like, by the name of the encoding."""
        plain = self.text.encode()
        percent = quote(self.text, safe="").encode()
        encoded = {f"base64 at {shift}": _base64(plain, shift) for shift in range(3)}
        url_safe = {
            f"URL-safe {name}": form.replace(b"+", b"-").replace(b"/", b"_")
            for name, form in encoded.items()
        }
        return {
            "it is": plain,
            "in a URL": percent,
            "in a URL, in small letters": percent.lower(),
            "in hexadecimal": plain.hex().encode(),
            "in capital hexadecimal": plain.hex().upper().encode(),
            **encoded,
            **url_safe,
        }

    def found_in(self, text: bytes) -> Iterator[str]:
        return (name for name, form in self.forms.items() if form in text)


def marked(what: str) -> Canary:
    """A new secret."""
    return Canary(what, f"canary-{chance.token_hex(16)}{AWKWARD}")


def _base64(plain: bytes, shift: int) -> bytes:
    """What is the same in every base64 text that holds it `shift` bytes behind a multiple of 3."""
    text = b64encode(bytes(shift) + plain).rstrip(b"=")
    begin = -(-8 * shift // 6)
    return text[begin : (8 * (shift + len(plain))) // 6]


@dataclass
class Net:
    """What was written or said, where, and what it is searched for once all of it is there."""

    canaries: list[Canary] = field(default_factory=list)
    told: list[Canary] = field(default_factory=list)
    """Passwords of databases: their callers are told them."""
    haul: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    """In which passwords may be told, and nothing else."""

    def marked(self, what: str) -> str:
        canary = marked(what)
        self.canaries.append(canary)
        return canary.text

    def add(self, where: str, text: bytes | str) -> None:
        self.haul.append((where, text if isinstance(text, bytes) else text.encode()))

    def add_files(self, folder: Path) -> None:
        for file in filter(Path.is_file, folder.rglob("*")):
            self.add(f"in the file {file.relative_to(folder)}", file.read_bytes())

    def catch(self) -> list[str]:
        """Each secret that was found, with its form and its place."""
        everywhere = _found([*self.canaries, *self.told], self.haul)
        return sorted({*everywhere, *_found(self.canaries, self.answers)})


def _found(canaries: Iterable[Canary], haul: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    haul = list(haul)
    for canary in canaries:
        for where, text in haul:
            yield from (f"{canary.what}, as {form}, {where}" for form in canary.found_in(text))


@asynccontextmanager
async def titles_of(pids: Iterable[int]) -> AsyncIterator[set[str]]:
    """All titles, which everybody on the machine can read, that these processes and those that they
    start are seen with meanwhile."""
    seen: set[str] = set()

    async def look() -> None:
        while True:
            seen.update(_titles(pids))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        seen.update(_titles(pids))
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def _titles(pids: Iterable[int]) -> Iterator[str]:
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):
                    yield " ".join(each.cmdline())
