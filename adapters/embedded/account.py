"""Who runs the server: PostgreSQL refuses to be root."""

import asyncio
import os
import pwd
import sys
from dataclasses import dataclass

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
    user = entry() or await _made_entry()
    return Account(uid=user.pw_uid, gid=user.pw_gid)


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


async def _made_entry() -> pwd.struct_passwd:
    try:
        useradd = await asyncio.create_subprocess_exec(
            *_USERADD, *_NOLOGIN, SYSTEM_USER, stderr=asyncio.subprocess.DEVNULL
        )
        await useradd.wait()
    except FileNotFoundError:
        pass  # told below, as any other failure
    made = entry()
    if made is None:
        raise StartupError(
            f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER!r} could not be "
            f"made: run `useradd --system {SYSTEM_USER}`, or start pgvend as an ordinary user."
        )
    return made
