"""Checks that the server's system user and strangers cannot change what root relies on."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from adapters.embedded.account import SYSTEM_USER, Account
from domain.errors import StartupError

ROOT = 0


def check_folder(folder: Path, account: Account) -> None:
    """Raise StartupError if the account could replace `folder` by another folder."""
    for path in _list_parents(folder):
        found = path.lstat()
        if found.st_uid == account.uid or _is_writable(found, account.gid):
            raise StartupError(
                f"The system user {SYSTEM_USER}, who runs the bundled PostgreSQL, can change "
                f"{path}, which root relies on: run `chown root {path}` and `chmod go-w "
                f"{path}`, or start pgvend as an ordinary user."
            )


def check_copy(copy: Path) -> None:
    """Raise StartupError if any user but root and pgvend's own can change a file in `copy`."""
    for path in _list_parents(copy):
        if _is_untrusted(path.lstat()):
            raise _create_error(path, copy)
    for path in _walk(copy):
        found = path.lstat()
        if found.st_uid != os.geteuid() or _is_writable(found):
            raise _create_error(path, copy)


def _list_parents(folder: Path) -> Iterator[Path]:
    """Yield the folder and all folders above it, by the given path and by the resolved one."""
    for each in (folder.absolute(), folder.resolve()):
        yield from (each, *each.parents)


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    for above, folders, files in os.walk(folder):
        yield from (Path(above, name) for name in (*folders, *files))


def _is_untrusted(found: os.stat_result) -> bool:
    return found.st_uid not in {ROOT, os.geteuid()} or _is_writable(found)


def _is_writable(found: os.stat_result, gid: int | None = None) -> bool:
    """Return whether others, or the group `gid` (None: any group), can replace entries. A link
    cannot be written to; in a folder with the sticky bit, users can replace only their own entries.
    """
    if stat.S_ISLNK(found.st_mode) or found.st_mode & stat.S_ISVTX:
        return False
    is_group_writable = bool(found.st_mode & stat.S_IWGRP) and gid in {None, found.st_gid}
    return is_group_writable or bool(found.st_mode & stat.S_IWOTH)


def _create_error(path: Path, copy: Path) -> StartupError:
    return StartupError(
        f"{path} belongs to another user, or others can change it: remove {copy}, and find out "
        "who can write there; the next start creates it again."
    )
