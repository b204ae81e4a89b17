"""The order of an uninstallation, and what an error leaves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from domain.errors import UninstallFailed
from ports.driven.installed_part import InstalledItem, InstalledPart
from ports.use_cases.uninstall import Uninstall

PROGRAM = InstalledItem("/opt/pgvend", "the program itself", kept="remove it by hand")


@dataclass
class FakePart(InstalledPart):
    """Records what happens to it in `calls`, and fails at the call `fails_at`."""

    name: str
    calls: list[str] = field(default_factory=list)
    fails_at: str = ""

    def list_items(self) -> Sequence[InstalledItem]:
        return [InstalledItem(self.name, "a file", size=1)]

    @contextmanager
    def hold(self) -> Iterator[None]:
        self._call("hold")
        yield
        self._call("release")

    def remove(self) -> None:
        self._call("remove")

    def _call(self, name: str) -> None:
        if name == self.fails_at:
            raise UninstallFailed(self.name)
        self.calls.append(f"{name} {self.name}")


def create_parts(fails_at: str = "") -> tuple[Uninstall, list[str]]:
    """Return an uninstallation of two parts, of which the first fails, and its calls."""
    calls: list[str] = []
    parts = (FakePart("data", calls, fails_at), FakePart("user", calls))
    return Uninstall(parts=parts, others=(PROGRAM,)), calls


def test_the_items_of_all_parts_are_listed_before_what_stays() -> None:
    uninstall, calls = create_parts()
    assert [item.place for item in uninstall.list_items()] == ["data", "user", "/opt/pgvend"]
    assert not calls


def test_all_parts_are_held_before_the_first_is_removed() -> None:
    uninstall, calls = create_parts()
    with uninstall.hold():
        uninstall.remove()
    assert calls[:4] == ["hold data", "hold user", "remove data", "remove user"]
    assert calls[4:] == ["release user", "release data"]


def test_a_part_in_use_keeps_all_parts() -> None:
    uninstall, calls = create_parts(fails_at="hold")
    with pytest.raises(UninstallFailed), uninstall.hold():
        uninstall.remove()
    assert not calls


def test_a_part_that_stays_keeps_those_that_it_may_need() -> None:
    uninstall, calls = create_parts(fails_at="remove")
    with pytest.raises(UninstallFailed), uninstall.hold():
        uninstall.remove()
    assert "remove user" not in calls
