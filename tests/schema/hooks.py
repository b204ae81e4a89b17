"""What schemathesis does before each call: it comes from another address, for one address may not
show many keys that are none."""

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
