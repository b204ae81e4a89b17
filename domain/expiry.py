"""Lifetimes: durations, and the policy for the expiry of databases."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import InvalidDuration, InvalidExpiry

MIN_TTL = timedelta(minutes=1)
"""A shorter lifetime would end while the caller still reads the response."""

MAX_TTL = timedelta(days=36_500)
"""Keeps every date within the range of calendars and drivers."""

_SHORT = re.compile(r"([0-9]{1,9})([smhdw])")
_SHORT_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,9})W|(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})S)?)?)"
)
DURATION_PATTERN = rf"^(?:{_SHORT.pattern}|{re.sub('[?]P<[a-z]+>', '', _ISO.pattern)})$"
"""The pattern of a duration, in a syntax that JSON Schema shares with Python."""


def parse_duration(text: str) -> timedelta:
    """Parse `90s`, `30m`, `24h`, `7d`, `2w`, or an ISO 8601 duration of weeks, days and times.

    Years and months are not accepted: they have no fixed length. Raises InvalidDuration.
    """
    parts = _parse_short(text) or _parse_iso(text)
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    if not parts or not MIN_TTL <= length <= MAX_TTL:
        raise InvalidDuration(
            f"{text[:40]!r} is not a duration between one minute and a hundred years: "
            "write 24h, 7d, or an ISO 8601 duration such as PT36H."
        )
    return length


def _parse_short(text: str) -> dict[str, int]:
    match = _SHORT.fullmatch(text)
    return {_SHORT_UNITS[match[2]]: int(match[1])} if match else {}


def _parse_iso(text: str) -> dict[str, int]:
    match = _ISO.fullmatch(text)
    return (
        {unit: int(number) for unit, number in match.groupdict().items() if number} if match else {}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPolicy:
    """The lifetimes that the operator allows. A request without a lifetime gets `default`, else
    `max_ttl`, else no expiry; a `max_ttl` of None sets no limit."""

    default: timedelta | None = None
    max_ttl: timedelta | None = None

    def limit_to(self, max_ttl: timedelta | None) -> "ExpiryPolicy":
        """Return the policy with lifetimes limited to `max_ttl` too."""
        if max_ttl is None:
            return self
        bound = min(max_ttl, self.max_ttl or max_ttl)
        return ExpiryPolicy(default=min(bound, self.default or bound), max_ttl=bound)

    def calculate_expiry(self, now: datetime, ttl: timedelta | None) -> datetime | None:
        """Return the expiry of a database created `now`, None for never. Raises InvalidDuration."""
        ttl = ttl or self.default or self.max_ttl
        if ttl is None:
            return None
        if self.max_ttl is not None and ttl > self.max_ttl:
            raise InvalidDuration(
                f"The ttl can be at most {_format_duration(self.max_ttl)}; request a shorter one."
            )
        return now + ttl

    def validate_expiry(self, now: datetime, expires_at: datetime | None) -> datetime | None:
        """Return that time in UTC, None for never. Raises InvalidExpiry if it is out of bounds."""
        if expires_at is None:
            if self.max_ttl is not None:
                raise InvalidExpiry(
                    f"A database must expire within {_format_duration(self.max_ttl)}: send ttl or "
                    "expires_at."
                )
            return None
        if expires_at < now + MIN_TTL:
            raise InvalidExpiry("expires_at must be at least one minute in the future.")
        if expires_at > now + (self.max_ttl or MAX_TTL):
            raise InvalidExpiry(
                f"expires_at must be at most {_format_duration(self.max_ttl or MAX_TTL)} from now."
            )
        return expires_at.astimezone(UTC)


def _format_duration(length: timedelta) -> str:
    return str(length).removesuffix(", 0:00:00")
