"""How long a database lives."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import InvalidDuration, InvalidExpiry

SHORTEST = timedelta(minutes=1)
"""Below this, a database would expire while its caller still reads the answer."""

LONGEST = timedelta(days=36_500)
"""Keeps every date within what calendars and drivers can hold."""

_SHORT = re.compile(r"([0-9]{1,9})([smhdw])")
_SHORT_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,9})W|(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})S)?)?)"
)
DURATION = rf"^(?:{_SHORT.pattern}|{re.sub('[?]P<[a-z]+>', '', _ISO.pattern)})$"
"""What can be a duration, as a pattern that others than Python understand."""


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `24h`, `7d`, `2w`, or an ISO 8601 duration of weeks, days and times.

    Years and months are refused: they have no fixed length. Raises InvalidDuration.
    """
    parts = _short_parts(text) or _iso_parts(text)
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    if not parts or not SHORTEST <= length <= LONGEST:
        raise InvalidDuration(
            f"{text[:40]!r} is not a duration between one minute and a hundred years: "
            "write 24h, 7d, or an ISO 8601 duration such as PT36H."
        )
    return length


def _short_parts(text: str) -> dict[str, int]:
    match = _SHORT.fullmatch(text)
    return {_SHORT_UNITS[match[2]]: int(match[1])} if match else {}


def _iso_parts(text: str) -> dict[str, int]:
    match = _ISO.fullmatch(text)
    return (
        {unit: int(number) for unit, number in match.groupdict().items() if number} if match else {}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPolicy:
    """What the operator allows. Who asks for nothing gets `default`, else `longest`, else for ever;
    `longest` of None has no bound."""

    default: timedelta | None = None
    longest: timedelta | None = None

    def within(self, longest: timedelta | None) -> "ExpiryPolicy":
        """Return the policy under which databases live no longer than `longest` either."""
        if longest is None:
            return self
        bound = min(longest, self.longest or longest)
        return ExpiryPolicy(default=min(bound, self.default or bound), longest=bound)

    def expires_at(self, now: datetime, ttl: timedelta | None) -> datetime | None:
        """The end of a database made `now`, None for never. Raises InvalidDuration."""
        ttl = ttl or self.default or self.longest
        if ttl is None:
            return None
        if self.longest is not None and ttl > self.longest:
            raise InvalidDuration(
                f"A database lives here for {_told(self.longest)} at most; ask for a shorter ttl."
            )
        return now + ttl

    def validate_expiry(self, now: datetime, expires_at: datetime | None) -> datetime | None:
        """Return that time in UTC, None for never. Raise InvalidExpiry if it is out of bounds."""
        if expires_at is None:
            if self.longest is not None:
                raise InvalidExpiry(
                    "A database has to expire here, at most "
                    f"{_told(self.longest)} from now: send ttl or expires_at."
                )
            return None
        if expires_at < now + SHORTEST:
            raise InvalidExpiry("expires_at must be at least one minute in the future.")
        if expires_at > now + (self.longest or LONGEST):
            raise InvalidExpiry(
                f"expires_at must be at most {_told(self.longest or LONGEST)} from now."
            )
        return expires_at.astimezone(UTC)


def _told(length: timedelta) -> str:
    return str(length).removesuffix(", 0:00:00")
