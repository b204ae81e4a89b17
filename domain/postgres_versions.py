"""PostgreSQL versions, and which of them lack security fixes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

OLDEST, NEWEST = 15, 18
"""The oldest and newest major version that pgvend is tested with."""

FIXED_ON = date(2026, 11, 12)
"""The date of the latest security release in `FIXED_IN`."""

FIXED_IN: Mapping[int, int] = {15: 20, 16: 16, 17: 12, 18: 7}
"""For each major version, the first minor version without a known vulnerability on that date.

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
        """Return whether a newer minor version fixes vulnerabilities of this one."""
        return self.minor < FIXED_IN.get(self.major, 0)

    @property
    def advice(self) -> str:
        """Advice for the operator of a version that lacks fixes."""
        fixed = Version(self.major, FIXED_IN[self.major])
        return (
            f"PostgreSQL {self} lacks security fixes that are in {fixed} of {FIXED_ON}: install "
            f"the newest {self.major}.x."
        )


def parse_version(text: str) -> Version | None:
    """Parse the version that a program or server reports, such as `18.6` or
    `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`. A version before its release, such as
    `19beta1`, has the minor version 0. Return None if the text contains no version."""
    found = _TEXT.search(text)
    return Version(int(found[1]), int(found[2] or 0)) if found else None
