"""One-time codes, which a person reads on a terminal and types into a page."""

import hmac

from domain.ids import encode_base32
from domain.secrets import Secret

CODE_BYTES = 5
LIFETIME = 600.0
"""Seconds from the start of the service."""

MAX_WRONG_CODES = 5
"""The number of wrong codes after which the right one is void: of 40 bits, none can be guessed."""

_GROUP = 4
_LENGTH = 2 * _GROUP
_ALIKE = str.maketrans("oil", "011", "- ")
"""What people may type for the digits of Crockford's base 32."""


def new_code(entropy: bytes) -> Secret:
    """Return a code such as `7K3M-9QXR` from CODE_BYTES of `entropy`."""
    digits = encode_base32(int.from_bytes(entropy), _LENGTH).upper()
    return Secret(f"{digits[:_GROUP]}-{digits[_GROUP:]}")


def is_same_code(code: Secret, typed: str) -> bool:
    """Compare in constant time. Case, spaces, hyphens and digits that look alike do not matter."""
    return hmac.compare_digest(_normalize(code.reveal()), _normalize(typed))


def _normalize(code: str) -> bytes:
    return code.strip().lower().translate(_ALIKE).encode(errors="replace")
