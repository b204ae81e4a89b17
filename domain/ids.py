"""Ids of databases and other objects: prefixed, opaque, sortable by creation time (ULID layout)."""

import re
from datetime import UTC, datetime, timedelta

PREFIX = "db_"
RANDOM_BYTES = 10

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: five bits for each digit, without digits that look alike."""

_LENGTH = 26
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_DIGITS = f"[{CROCKFORD}]{{{_LENGTH}}}"

ID_PATTERN = re.compile(PREFIX + _DIGITS)


def new_id(now: datetime, entropy: bytes, prefix: str = PREFIX) -> str:
    """Return the prefix and 26 characters: 48 bits of milliseconds, then 80 bits of `entropy`."""
    if len(entropy) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(entropy)}")
    number = (now - _EPOCH) // _MILLISECOND << 80 | int.from_bytes(entropy)
    return prefix + encode_base32(number, _LENGTH)


def encode_base32(number: int, length: int) -> str:
    """Return the last `length` digits of the number in Crockford's base 32."""
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(length)))


def is_id(text: str, prefix: str = PREFIX) -> bool:
    """Return whether `text` has the form of an id."""
    is_shaped = re.fullmatch(prefix + _DIGITS, text) is not None
    return is_shaped and _decode_milliseconds(text.removeprefix(prefix)) <= _LAST


def created_at_from_id(database_id: str) -> datetime:
    """Return the creation time of an id, in milliseconds. Raises ValueError if it is not an id."""
    if not is_id(database_id):
        raise ValueError(f"{database_id!r} is not an id")
    return _EPOCH + _decode_milliseconds(database_id.removeprefix(PREFIX)) * _MILLISECOND


def _decode_milliseconds(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number << 5 | CROCKFORD.index(digit)
    return number >> 8 * RANDOM_BYTES
