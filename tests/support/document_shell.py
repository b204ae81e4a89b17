"""A shell that executes the commands of a page against a running service."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.command_line import find_program, plain_environment
from tests.support.documents import Command

_END = "\x1e"
"""Ends each command, and the output of each."""

_LOOP = f"""
exec 2>&1
while IFS= read -r -d $'{_END}' command <&"$COMMANDS"; do
    eval "$command"
    printf '{_END}'
done
"""

_CURL = "silent\nshow-error\nfail-with-body\n"
"""Configures curl so that its output is that on a terminal, and an answer 4xx is a failure."""

_ADDRESS = re.compile(r"https://pgvend\.example|(http://)?(localhost|127\.0\.0\.1):8000\b")

_NAMES = re.compile(r"(?:db|tpl|wh)_[0-9a-z]{26}|(pgv_[0-9a-z]{8})(?:_[0-9a-z]+\.\.\.)?")
"""Ids and keys on a page; those of the run take their place."""

_VARYING = re.compile(rf"(?P<name>{_NAMES.pattern})|(?P<any>\.\.\.)|(?P<number>\d+)")


class CommandFailed(AssertionError):
    """A command failed, or printed something else than the page shows."""


@dataclass
class DocumentShell:
    """A shell, and the ids and keys that took the place of those on the page."""

    process: asyncio.subprocess.Process
    commands: int
    url: str
    replaced: dict[str, str] = field(default_factory=dict)

    async def execute(self, command: Command) -> None:
        """Execute a command. Raises CommandFailed if it fails or prints something else than its
        page shows, apart from white space, numbers, and what the page leaves out by `...`."""
        os.write(self.commands, f"{self._of_this_run(command.text)}\n{_END}".encode())
        assert self.process.stdout
        try:
            output = (await self.process.stdout.readuntil(_END.encode())).decode()[:-1]
        except asyncio.IncompleteReadError as error:
            raise CommandFailed(f"failed: {command.text}\n{error.partial.decode()}") from None
        if command.output is not None:
            self._compare(command, output)

    def _of_this_run(self, text: str) -> str:
        text = _ADDRESS.sub(self.url, text)
        return _NAMES.sub(lambda match: self.replaced.get(match[0], match[0]), text)

    def _compare(self, command: Command, output: str) -> None:
        expected = "".join((command.output or "").split())
        names = [match[0] for match in _NAMES.finditer(expected)]
        match = re.fullmatch(_pattern_of(expected), "".join(output.split()), re.DOTALL)
        if not match:
            raise CommandFailed(f"the page shows another output: {command.text}\n{output}")
        for name, actual in zip(names, match.groups(), strict=True):
            self.replaced[name] = actual
            self.replaced[_without_secret(name)] = _without_secret(actual)


@asynccontextmanager
async def document_shell(
    folder: Path, url: str, environment: Mapping[str, str]
) -> AsyncIterator[DocumentShell]:
    """Start a shell in this folder, with the `pgvend` of this Python as in a clone."""
    (folder / ".curlrc").write_text(_CURL)
    (folder / ".venv").symlink_to(sys.prefix)
    readable, writable = os.pipe()
    inherited = plain_environment()
    process = await asyncio.create_subprocess_exec(
        *(find_program("bash"), "-e", "-o", "pipefail", "-c", _LOOP),
        cwd=folder,
        env={
            **inherited,
            "PATH": f"{Path(sys.executable).parent}:{inherited['PATH']}",
            "HOME": str(folder),
            "PGVEND_URL": url,
            "COMMANDS": str(readable),
            **environment,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=[readable],
        start_new_session=True,
        limit=2**22,
    )
    os.close(readable)
    try:
        yield DocumentShell(process, writable, url)
    finally:
        os.close(writable)
        with suppress(ProcessLookupError):  # the shell, and what it started in the background
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


def _pattern_of(expected: str) -> str:
    """Return a pattern of outputs that the page's one stands for, with a group per name."""
    pattern, end = "", 0
    for match in _VARYING.finditer(expected):
        pattern += re.escape(expected[end : match.start()])
        pattern += {"name": r"(\w+)", "any": ".*?", "number": r"\d+"}[str(match.lastgroup)]
        end = match.end()
    return pattern + re.escape(expected[end:])


def _without_secret(key: str) -> str:
    """Return the public part of a key; other names as they are."""
    return re.sub(r"^(pgv_[0-9a-z]{8})_.*", r"\1", key)
