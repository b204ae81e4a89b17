"""Who runs the server: PostgreSQL refuses to be root."""

import fcntl
import os
import pwd
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from adapters.embedded.threads import in_thread
from domain.errors import StartupError

SYSTEM_USER = "pgvend"

_USERADD = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
_NOLOGIN = ("--shell", "/usr/sbin/nologin")


@dataclass(frozen=True, slots=True)
class Account:
    """A system user that is not us; it can look neither into root's home nor into our folders."""

    uid: int
    gid: int


async def account_for_server() -> Account | None:
    """The account that the server runs under: None for our own, a system user when we are root."""
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise StartupError("The bundled PostgreSQL does not run as root here; use another user.")
    user = entry()
    if user is None:
        user = await in_thread(_create_entry)
    return Account(uid=user.pw_uid, gid=user.pw_gid)


def found_account() -> Account | None:
    """Return the same account where the system user exists already, else None."""
    user = entry() if os.geteuid() == 0 else None
    return user and Account(uid=user.pw_uid, gid=user.pw_gid)


def own_name() -> str:
    """Our name, as PostgreSQL's peer authentication will see it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StartupError(
            f"The user id {os.geteuid()} has no name on this system, and PostgreSQL wants one: "
            "add it to /etc/passwd, or use PGVEND_PROVIDER=postgres."
        ) from None


def entry() -> pwd.struct_passwd | None:
    """The server's system user, where it has been made."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None


def _create_entry() -> pwd.struct_passwd:
    """Create the system user once, however many services start at once.

    Of two `useradd` at the same time, the later one may replace the entry of the first, and with it
    the user id that the first service's files already have. Blocks.
    """
    with open("/etc/passwd", "rb") as passwd:
        fcntl.flock(passwd, fcntl.LOCK_EX)
        if not entry():
            with suppress(FileNotFoundError):
                command = [*_USERADD, *_NOLOGIN, SYSTEM_USER]
                subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - constants
    created = entry()
    if created is None:
        raise StartupError(
            "PostgreSQL refuses to run as root, and pgvend cannot create the system user "
            f"{SYSTEM_USER!r}: run `useradd --system {SYSTEM_USER}`, or start pgvend as an "
            "ordinary user."
        )
    return created
