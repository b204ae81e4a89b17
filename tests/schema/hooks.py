"""Hooks of schemathesis: each call comes from another address, because an address with many invalid
keys is rate-limited."""

from itertools import count
from typing import Any

import schemathesis

_NUMBERS = count(1)


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: Any
) -> None:
    number = next(_NUMBERS)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
