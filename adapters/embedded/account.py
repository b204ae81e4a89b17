"""The system user that runs the server: PostgreSQL refuses to run as root."""

import fcntl
import os
import pwd
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from domain.errors import StartupError, UninstallFailed
from ports.driven.cancellation import run_in_thread

SYSTEM_USER = "pgvend"

HOME = "/nonexistent"
"""The home folder of a system user that pgvend created."""

_USERADD = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", HOME)
_NOLOGIN = ("--shell", "/usr/sbin/nologin")


@dataclass(frozen=True, slots=True)
class Account:
    """A system user for the server alone. It can read neither root's home nor pgvend's folders."""

    uid: int
    gid: int


async def prepare_account() -> Account | None:
    """Return the account to run the server under, and create it when it is missing: the system user
    if pgvend runs as root, otherwise None for pgvend's own account. Raises StartupError."""
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise StartupError(
            "The bundled PostgreSQL runs as root on Linux only: start pgvend as another user."
        )
    user = find_system_user()
    if user is None:
        user = await run_in_thread(_create_system_user)
    return Account(uid=user.pw_uid, gid=user.pw_gid)


def find_account() -> Account | None:
    """Return the account to run the server under. Unlike `prepare_account`, do not create it:
    return None when it is missing."""
    user = find_system_user() if os.geteuid() == 0 else None
    return user and Account(uid=user.pw_uid, gid=user.pw_gid)


def get_user_name() -> str:
    """Return the name of pgvend's own user, for PostgreSQL's peer authentication. Raises
    StartupError."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StartupError(
            f"The user id {os.geteuid()} has no name on this system, and PostgreSQL requires one: "
            "add it to /etc/passwd, or use PGVEND_PROVIDER=postgres."
        ) from None


def find_system_user(name: str = "") -> pwd.struct_passwd | None:
    """Return the entry of the server's system user, or None."""
    try:
        return pwd.getpwnam(name or SYSTEM_USER)
    except KeyError:
        return None


def remove_system_user(name: str) -> None:
    """Remove the system user and its group, under the lock of its creation. Blocks. Raises
    UninstallFailed."""
    with open("/etc/passwd", "rb") as passwd:
        fcntl.flock(passwd, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            subprocess.run(["userdel", name], capture_output=True, check=False)  # noqa: S603, S607 - a constant
    if find_system_user(name):
        raise UninstallFailed(f"The system user {name!r} stays: run `userdel {name}`.")


def _create_system_user() -> pwd.struct_passwd:
    """Create the system user, under a lock. Blocks.

    Without the lock, the later of two `useradd` may replace the entry of the first, and with it the
    user id that owns the first service's files.
    """
    with open("/etc/passwd", "rb") as passwd:
        fcntl.flock(passwd, fcntl.LOCK_EX)
        if not find_system_user():
            with suppress(FileNotFoundError):
                command = [*_USERADD, *_NOLOGIN, SYSTEM_USER]
                subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - constants
    created = find_system_user()
    if created is None:
        raise StartupError(
            "PostgreSQL refuses to run as root, and pgvend cannot create the system user "
            f"{SYSTEM_USER!r}: run `useradd --system {SYSTEM_USER}`, or start pgvend as an "
            "ordinary user."
        )
    return created
