"""Marked secrets, and the search for all their forms in collected texts."""

import asyncio
import secrets as randomness
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

AWKWARD = "+/%:@"
"""Characters that URL encoding changes, so that both forms of a secret are tested."""


@dataclass(frozen=True)
class MarkedSecret:
    """A secret that must not leak; `what` describes it."""

    what: str
    text: str

    @cached_property
    def forms(self) -> Mapping[str, bytes]:
        """All encodings of the secret, by name."""
        plain = self.text.encode()
        percent = quote(self.text, safe="").encode()
        encoded = {f"base64 at {shift}": _base64(plain, shift) for shift in range(3)}
        url_safe = {
            f"URL-safe {name}": form.replace(b"+", b"-").replace(b"/", b"_")
            for name, form in encoded.items()
        }
        return {
            "plain text": plain,
            "in a URL": percent,
            "in a URL, in lower case": percent.lower(),
            "in hexadecimal": plain.hex().encode(),
            "in upper-case hexadecimal": plain.hex().upper().encode(),
            **encoded,
            **url_safe,
        }

    def find_forms(self, text: bytes) -> Iterator[str]:
        return (name for name, form in self.forms.items() if form in text)


def create_marked_secret(what: str) -> MarkedSecret:
    """Create a secret that is easy to find in a text."""
    return MarkedSecret(what, f"marked-{randomness.token_hex(16)}{AWKWARD}")


def _base64(plain: bytes, shift: int) -> bytes:
    """Return the part that every base64 text shares which contains `plain` at an offset of `shift`
    bytes."""
    text = b64encode(bytes(shift) + plain).rstrip(b"=")
    begin = -(-8 * shift // 6)
    return text[begin : (8 * (shift + len(plain))) // 6]


@dataclass
class SecretSearch:
    """Collected texts with their places, and the secrets to search for."""

    marked_secrets: list[MarkedSecret] = field(default_factory=list)
    database_passwords: list[MarkedSecret] = field(default_factory=list)
    """Passwords of databases, which their callers may see."""
    texts: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    """Answers that may contain passwords, but no other secret."""

    def create_marked_secret(self, what: str) -> str:
        marked_secret = create_marked_secret(what)
        self.marked_secrets.append(marked_secret)
        return marked_secret.text

    def add(self, where: str, text: bytes | str) -> None:
        self.texts.append((where, text if isinstance(text, bytes) else text.encode()))

    def add_files(self, folder: Path) -> None:
        for file in filter(Path.is_file, folder.rglob("*")):
            self.add(f"in the file {file.relative_to(folder)}", file.read_bytes())

    def find_leaks(self) -> list[str]:
        """Return each secret that was found, with its form and place."""
        everywhere = _search_texts([*self.marked_secrets, *self.database_passwords], self.texts)
        return sorted({*everywhere, *_search_texts(self.marked_secrets, self.answers)})


def _search_texts(
    marked_secrets: Iterable[MarkedSecret], texts: Iterable[tuple[str, bytes]]
) -> Iterator[str]:
    texts = list(texts)
    for marked_secret in marked_secrets:
        for where, text in texts:
            yield from (
                f"{marked_secret.what}, as {form}, {where}"
                for form in marked_secret.find_forms(text)
            )


@asynccontextmanager
async def watch_process_titles(pids: Iterable[int]) -> AsyncIterator[set[str]]:
    """Collect all titles of these processes and their children, which every user of the machine can
    read, until the context exits."""
    titles: set[str] = set()

    async def collect() -> None:
        while True:
            titles.update(_read_titles(pids))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(collect())
    try:
        yield titles
    finally:
        titles.update(_read_titles(pids))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _read_titles(pids: Iterable[int]) -> Iterator[str]:
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):
                    yield " ".join(each.cmdline())
