"""A system that systemd boots, over the files of this machine, which it does not change."""

import asyncio
import os
import platform
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.command_line import CommandResult, run_program
from tests.support.debian_packages import PackagesUnavailable, unpack
from tests.support.polling import wait_until
from tests.support.requirements import skip_without

SYSTEMD = "/lib/systemd/systemd"


@dataclass(frozen=True)
class BootedSystem:
    """The running system, by the process id of its first process."""

    init: int
    root: Path

    async def run(self, *command: str) -> CommandResult:
        """Run a command in the system."""
        return await run_program("nsenter", f"--target={self.init}", "--all", *command)

    async def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        shown = await self.run("systemctl", "show", "--value", f"--property={name}", unit)
        return shown.stdout.strip()


def find_nspawn() -> str:
    """Return the program that boots systems. Blocks."""
    if os.geteuid() != 0:
        skip_without("root, to boot a system")
    if not Path(SYSTEMD).exists():
        skip_without("systemd: apt-get install systemd")
    if program := shutil.which("systemd-nspawn"):
        return program
    try:
        release = platform.freedesktop_os_release()["VERSION_CODENAME"]
        return str(unpack(release, ["systemd-container"]) / "usr/bin/systemd-nspawn")
    except (OSError, KeyError, PackagesUnavailable) as error:
        skip_without(f"systemd-nspawn: apt-get install systemd-container ({error})")


@contextmanager
def copied_root(folder: Path) -> Iterator[Path]:
    """Create the folder, and mount the machine's files below it so that changes go to memory."""
    folder.mkdir()
    with _mounted("tmpfs", folder, "size=2g"):
        root, changes, work = (folder / name for name in ("root", "changes", "work"))
        for part in (root, changes, work):
            part.mkdir()
        with _mounted("overlay", root, f"lowerdir=/,upperdir={changes},workdir={work}"):
            yield root


@contextmanager
def _mounted(kind: str, folder: Path, options: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", kind, "-o", options, kind, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@asynccontextmanager
async def booted_system(
    root: Path, unit: str, binds: Mapping[str, Path]
) -> AsyncIterator[BootedSystem]:
    """Boot the files in `root` up to the unit, with the `binds` as read-only folders. The network
    is that of the machine."""
    program = await asyncio.to_thread(find_nspawn)
    process = await asyncio.create_subprocess_exec(
        *(program, "--quiet", "--register=no", "--keep-unit", f"--directory={root}"),
        *(f"--machine={root.parent.name}", "--link-journal=no"),
        *(f"--bind-ro={source}:{target}" for target, source in binds.items()),
        *("--boot", f"systemd.unit={unit}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield BootedSystem(await _wait_for_init(process.pid), root)
    finally:
        _kill(process.pid)
        await process.wait()


async def _wait_for_init(nspawn: int) -> int:
    await wait_until(lambda: _find_init(nspawn))
    init = _find_init(nspawn)
    assert init
    return init


def _find_init(nspawn: int) -> int | None:
    """Return the first process of the system, once it is systemd."""
    inside = psutil.Process(nspawn).children(recursive=True)
    return next((each.pid for each in inside if each.name() == "systemd"), None)


def _kill(nspawn: int) -> None:
    """End the system, at once: with its first process, all others end."""
    for process in psutil.Process(nspawn).children(recursive=True)[:1]:
        process.send_signal(signal.SIGKILL)
    psutil.Process(nspawn).kill()
