"""Ids of databases: prefixed, opaque, sortable by the time they were made (a ULID's layout)."""

import re
from datetime import datetime

PREFIX = "db_"
RANDOM_BYTES = 10

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_SHAPE = re.compile(f"{PREFIX}[{_CROCKFORD}]{{{_LENGTH}}}")


def new_id(now: datetime, entropy: bytes) -> str:
    """`db_` and 26 characters: 48 bits of milliseconds, then the 80 bits of `entropy`."""
    if len(entropy) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(entropy)}")
    number = int(now.timestamp() * 1000) << 80 | int.from_bytes(entropy)
    digits = (_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
    return PREFIX + "".join(digits)


def is_id(text: str) -> bool:
    """Whether `text` could be an id of ours."""
    return _SHAPE.fullmatch(text) is not None
