"""Packages of another Debian release, unpacked into `.venv` for tests that need a newer program."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.service import REPOSITORY

PROGRAMS = REPOSITORY / ".venv"

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_RELEASE_FILE = re.compile(r"'(\S+/debian)/dists/[a-z]+/InRelease'")

_CONFIGURATION = """
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Acquire::Languages "none";
APT::Sandbox::User "";
"""


class PackagesUnavailable(Exception):
    """The packages cannot be downloaded."""


def unpack(release: str, packages: Sequence[str]) -> Path:
    """Return a folder with the contents of these packages, named after the first one. The machine's
    own packages stay as they are. Blocks. Raises PackagesUnavailable."""
    folder = PROGRAMS / f"debian-{release}-{packages[0]}"
    with _lock(folder):
        if not (folder / "root").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _download(folder, release, packages)
            _extract(folder)
    return folder / "root"


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Wait for another test process that unpacks the same packages."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(folder: Path, release: str, packages: Sequence[str]) -> None:
    """Download the packages from the machine's own mirror, with lists of their own."""
    mirror = _find_mirror()
    for name in ("state/lists/partial", "cache/archives/partial", "packages"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    keys = f" [signed-by={KEYS}]" if KEYS.exists() else ""
    (folder / "sources.list").write_text(f"deb{keys} {mirror} {release} main\n")
    (folder / "apt.conf").write_text(_CONFIGURATION.format(folder=folder))
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    _run("apt-get", "--quiet", "update", cwd=folder, env=environment)
    _run("apt-get", "--quiet", "download", *packages, cwd=folder / "packages", env=environment)


def _find_mirror() -> str:
    """Return the address from which this machine gets its packages."""
    found = _RELEASE_FILE.search(_run("apt-get", "update", "--print-uris"))
    if not found:
        raise PackagesUnavailable("the machine has no mirror of Debian")
    return found[1]


def _extract(folder: Path) -> None:
    """Extract the packages, and remove what is no longer needed."""
    for package in sorted((folder / "packages").iterdir()):
        _run("dpkg-deb", "--extract", str(package), str(folder / "partial"))
    for name in ("state", "cache", "packages"):
        shutil.rmtree(folder / name)
    (folder / "partial").rename(folder / "root")


def _run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise PackagesUnavailable(f"{command[0]} is missing") from None
    except subprocess.CalledProcessError as error:
        raise PackagesUnavailable(str(error.stderr)) from error
    return done.stdout
