"""Headers of requests and answers."""

import re
from math import ceil

from aiohttp import web

from domain.database import Database
from domain.errors import InvalidRequest

IDEMPOTENCY_KEY = "Idempotency-Key"
REQUEST_ID_HEADER = "X-Request-ID"

VERIFIED = "Pgvend-Verified"
"""Result of the login check, if the caller requested one."""

ASYNC_APPLIED = {"Preference-Applied": "respond-async"}

_ASYNC = re.compile(r"(^|[,;])\s*respond-async\s*($|[,;=])", re.IGNORECASE)
_TAG = r'(W/)?"[!#-~]*"'
ETAG_LIST = re.compile(rf"{_TAG}(\s*,\s*{_TAG})*")
_VERSION = re.compile(r'(?<!W/)"([0-9]{1,9})"')


def format_rate_headers(amount: int, seconds: int, remaining: int, reset: float) -> dict[str, str]:
    """Return the caller's rate and remaining requests (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": f'"requests";q={amount};w={seconds}',
        "RateLimit": f'"requests";r={remaining};t={ceil(reset)}',
    }


def format_quota_headers(quota: int) -> dict[str, str]:
    """Return the headers of a reached quota. It has no window: waiting does not free anything."""
    return {"RateLimit-Policy": f'"databases";q={quota}', "RateLimit": '"databases";r=0'}


def parse_idempotency_key(request: web.Request) -> str | None:
    """Return the idempotency key. Raise InvalidRequest if there are several."""
    keys = request.headers.getall(IDEMPOTENCY_KEY, [])
    if len(keys) > 1:
        raise InvalidRequest(f"Send one {IDEMPOTENCY_KEY} header, not {len(keys)}.")
    return keys[0] if keys else None


def is_async_preferred(request: web.Request) -> bool:
    """Return whether the caller prefers an asynchronous answer (RFC 7240, 4.1)."""
    return any(_ASYNC.search(prefer) for prefer in request.headers.getall("Prefer", []))


def format_etag(database: Database) -> dict[str, str]:
    """Return the record's version, which callers send back in If-Match."""
    return {"ETag": f'"{database.version}"'}


def format_verified(is_verified: bool | None) -> dict[str, str]:
    """Return the result of the login check, nothing if there was none."""
    return {} if is_verified is None else {VERIFIED: str(is_verified).lower()}


def parse_if_match(request: web.Request) -> frozenset[int] | None:
    """Return the versions in If-Match, None for any version. Weak and foreign ETags match no
    version. Raise InvalidRequest if the header is malformed."""
    text = ", ".join(request.headers.getall("If-Match", ["*"])).strip()
    if text == "*":
        return None
    if not ETAG_LIST.fullmatch(text):
        raise InvalidRequest('If-Match must be a list of ETags, such as "3", or *.')
    return frozenset(map(int, _VERSION.findall(text)))
