"""What callers say in headers, and what we do."""

import re
from math import ceil

from aiohttp import web

from domain.database import Database
from domain.errors import InvalidRequest

IDEMPOTENCY_KEY = "Idempotency-Key"

VERIFIED = "Pgvend-Verified"
"""Whether a login with the answered connection worked, where the caller asked for one."""

ASYNC_APPLIED = {"Preference-Applied": "respond-async"}

_ASYNC = re.compile(r"(^|[,;])\s*respond-async\s*($|[,;=])", re.IGNORECASE)
_TAG = r'(W/)?"[!#-~]*"'
TAGS = re.compile(rf"{_TAG}(\s*,\s*{_TAG})*")
_VERSION = re.compile(r'(?<!W/)"([0-9]{1,9})"')


def rate_headers(amount: int, seconds: int, remaining: int, reset: float) -> dict[str, str]:
    """How often a caller may ask, and what is left of it (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": f'"requests";q={amount};w={seconds}',
        "RateLimit": f'"requests";r={remaining};t={ceil(reset)}',
    }


def quota_headers(quota: int) -> dict[str, str]:
    """A quota has no window: waiting alone frees nothing."""
    return {"RateLimit-Policy": f'"databases";q={quota}', "RateLimit": '"databases";r=0'}


def idempotency_key(request: web.Request) -> str | None:
    """Raises InvalidRequest when there are several."""
    keys = request.headers.getall(IDEMPOTENCY_KEY, [])
    if len(keys) > 1:
        raise InvalidRequest(f"Send one {IDEMPOTENCY_KEY}, not {len(keys)}.")
    return keys[0] if keys else None


def wants_async(request: web.Request) -> bool:
    """Whether the caller would rather come back than wait (RFC 7240, 4.1)."""
    return any(_ASYNC.search(prefer) for prefer in request.headers.getall("Prefer", []))


def etag(database: Database) -> dict[str, str]:
    """The record's version, as callers send it back in If-Match."""
    return {"ETag": f'"{database.version}"'}


def verified(is_verified: bool | None) -> dict[str, str]:
    return {} if is_verified is None else {VERIFIED: str(is_verified).lower()}


def if_match(request: web.Request) -> frozenset[int] | None:
    """The versions that the caller wants to change, None for any. What was no ETag of ours, or a
    weak one, is no version. Raises InvalidRequest when the header is none."""
    given = ", ".join(request.headers.getall("If-Match", ["*"])).strip()
    if given == "*":
        return None
    if not TAGS.fullmatch(given):
        raise InvalidRequest('If-Match has to be ETags, such as "3", or *.')
    return frozenset(map(int, _VERSION.findall(given)))
