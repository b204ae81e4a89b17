"""The pinned programs from npm and PyPI, installed into `.venv` when a test needs them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tests.support.needs import lacking

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / ".venv"
NPM = PROGRAMS / "clients-npm"
PYTHON = PROGRAMS / "clients-python"

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}


def run(*command: str | Path, cwd: Path) -> tuple[int, str]:
    """Run the program in that folder, with those from PyPI within its reach, and return its status
    and what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **QUIET, "PATH": f"{PYTHON / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def succeed(*command: str | Path, cwd: Path) -> None:
    """Run the program, and fail unless it succeeds."""
    status, printed = run(*command, cwd=cwd)
    assert status == 0, f"{command[0]} failed:\n{printed}"


def npm_tools() -> Path:
    """Return the folder whose `node_modules` holds the programs of `package-lock.json`."""
    if not shutil.which("npm"):
        lacking("npm: apt-get install npm")
    pinned = [HERE / "package.json", HERE / "package-lock.json", HERE / ".npmrc"]
    if not _is_installed(NPM, pinned):
        shutil.rmtree(NPM, ignore_errors=True)
        NPM.mkdir(parents=True)
        for file in pinned:
            shutil.copy(file, NPM)
        _install(NPM, pinned, [["npm", "ci"]])
    return NPM


def python_tools() -> Path:
    """Return the folder that holds the programs of `requirements.txt`.

    They have a virtual environment of their own, because they need other versions of what pgvend
    stands on.
    """
    pinned = [HERE / "requirements.txt"]
    if not _is_installed(PYTHON, pinned):
        shutil.rmtree(PYTHON, ignore_errors=True)
        pip = [
            str(PYTHON / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
        ]
        create = [sys.executable, "-m", "venv", str(PYTHON)]
        _install(PYTHON, pinned, [create, [*pip, "--require-hashes", "-r", str(pinned[0])]])
    return PYTHON / "bin"


def _install(folder: Path, pinned: Sequence[Path], commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        status, printed = run(*command, cwd=folder if folder.exists() else HERE)
        if status:
            lacking(f"a package registry, for the programs of tests/clients:\n{printed}")
    _stamp(folder).write_text(_digest(pinned))


def _is_installed(folder: Path, pinned: Sequence[Path]) -> bool:
    stamp = _stamp(folder)
    return stamp.exists() and stamp.read_text() == _digest(pinned)


def _stamp(folder: Path) -> Path:
    return folder / ".installed"


def _digest(files: Sequence[Path]) -> str:
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
