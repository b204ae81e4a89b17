"""Versions of PostgreSQL, and which of them lack security fixes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

OLDEST, NEWEST = 15, 18
"""The major versions that pgvend is tested on."""

FIXED_ON = date(2026, 11, 12)
"""The day of the latest security release that `FIXED_IN` knows."""

FIXED_IN: Mapping[int, int] = {15: 20, 16: 16, 17: 12, 18: 7}
"""By major version, the first minor version without a publicly known security fault on that day.

Source: the changelog of Debian's postgresql-15 15.20 (bookworm-security). PostgreSQL releases the
minor versions of all majors on one day."""

_TEXT = re.compile(r"\b(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def lacks_fixes(self) -> bool:
        """Whether a newer minor version is known to fix security faults of this one."""
        return self.minor < FIXED_IN.get(self.major, 0)

    @property
    def advice(self) -> str:
        """What an operator should know about a version that lacks fixes."""
        fixed = Version(self.major, FIXED_IN[self.major])
        return (
            f"PostgreSQL {fixed} of {FIXED_ON} or an earlier release fixes security faults that "
            f"{self} has: install the newest {self.major}.x."
        )


def parse_version(text: str) -> Version | None:
    """The version that a program or a server calls itself by, such as `18.6` or
    `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`; one that is not released yet, such as
    `19beta1`, has the minor version 0. None where the text names none."""
    found = _TEXT.search(text)
    return Version(int(found[1]), int(found[2] or 0)) if found else None
