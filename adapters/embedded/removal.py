"""Removal of what the bundled server leaves outside its folder, and of its processes."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from adapters.embedded.account import HOME, SYSTEM_USER, find_system_user, remove_system_user
from adapters.embedded.binaries import SHARED_COPY
from adapters.embedded.cleanup import end_programs, find_programs, read_server_pid
from domain.errors import UninstallFailed
from ports.driven.installed_part import InstalledItem, InstalledPart


@dataclass(frozen=True, kw_only=True)
class ServerProcesses(InstalledPart):
    """The programs that still run in the server's `folder`, after a service that was killed."""

    folder: Path

    def list_items(self) -> Sequence[InstalledItem]:
        with _errors():
            programs = find_programs(self.folder)
            pids = {each.pid for each in programs}
            return [
                InstalledItem(f"process {each.pid}", f"the program {each.name()}")
                for each in programs
                if each.ppid() not in pids
            ]

    def hold(self) -> nullcontext[None]:
        return nullcontext()  # the lock of the folder holds the server too

    def remove(self) -> None:
        with _errors():
            end_programs(self.folder, read_server_pid(self.folder / "data"))


@dataclass(frozen=True, kw_only=True)
class SharedAccount(InstalledPart):
    """The system user that runs the server if pgvend runs as root, and the copy of the programs for
    it. All data folders of this machine share them. `folder` is that of the server; `is_kept` keeps
    both."""

    folder: Path
    is_kept: bool = False
    user: str = SYSTEM_USER
    copies: Path = SHARED_COPY

    def list_items(self) -> Sequence[InstalledItem]:
        items = []
        if self._has_copies():
            contents = "a copy of PostgreSQL's programs, for all data folders"
            items.append(InstalledItem(str(self.copies), contents, kept=self._keep_copies()))
        if find_system_user(self.user):
            contents = "the system user that runs PostgreSQL, for all data folders"
            items.append(InstalledItem(f"user {self.user}", contents, kept=self._keep_user()))
        return items

    def hold(self) -> nullcontext[None]:
        return nullcontext()  # services of other data folders need not stop

    def remove(self) -> None:
        with _errors():
            if self._has_copies() and not self._keep_copies():
                self._remove_copies()
            if find_system_user(self.user) and not self._keep_user():
                remove_system_user(self.user)

    def _has_copies(self) -> bool:
        return self.copies.is_dir() and any(self.copies.iterdir())

    def _remove_copies(self) -> None:
        for entry in self.copies.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)  # follows no link
            else:
                entry.unlink()
        with suppress(OSError):  # an empty mount point stays
            self.copies.rmdir()

    def _keep_copies(self) -> str:
        """Return why the copy stays, or nothing."""
        if self.copies.is_symlink():
            return "a symbolic link: remove it and its target by hand"
        if self.copies.stat().st_uid != 0:
            return "it belongs to another user: remove it by hand"
        return self._keep_both()

    def _keep_user(self) -> str:
        user = find_system_user(self.user)
        if user and user.pw_dir != HOME:
            return "pgvend did not create it"
        return self._keep_both()

    def _keep_both(self) -> str:
        if self.is_kept:
            return "--keep-shared"
        if os.geteuid() != 0:
            return "only root can remove it"
        others = self._find_processes()
        return f"process {others[0].pid} of another data folder uses it" if others else ""

    def _find_processes(self) -> list[psutil.Process]:
        """Return the processes of the system user, but for those of the own server."""
        user = find_system_user(self.user)
        own = find_programs(self.folder)
        return [
            process
            for process in psutil.process_iter(["uids"])
            if user and process not in own and _runs_as(process, user.pw_uid)
        ]


def _runs_as(process: psutil.Process, uid: int) -> bool:
    uids = process.info["uids"]
    return bool(uids) and uids.real == uid


@contextmanager
def _errors() -> Iterator[None]:
    """Raise UninstallFailed instead of the errors of processes and files."""
    try:
        yield
    except psutil.Error as error:
        raise UninstallFailed(
            f"A program of the bundled server cannot be ended: {error}"
        ) from error
    except OSError as error:
        raise UninstallFailed(f"{error.filename} cannot be removed ({error.strerror}).") from error
