"""What callers may ask for behind the question mark."""

from aiohttp import web

from domain.errors import InvalidRequest


def check_query(request: web.Request, *known: str) -> None:
    """Raises InvalidRequest for a parameter that is not `known`: a misspelt one would be silently
    without effect."""
    if unknown := set(request.query) - set(known):
        raise InvalidRequest(f"There is no query parameter {min(unknown)[:63]!r}.")
