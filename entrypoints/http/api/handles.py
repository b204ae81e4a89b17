"""Handles in paths: the one place that turns the name or the id in a path into an id."""

from aiohttp import web

from domain.errors import DatabaseNotFound, TemplateNotFound
from domain.ids import is_id
from entrypoints.http.api.context import AUDIT_SUBJECT, USE_CASES, get_caller


def format_path(path: str) -> str:
    """Return the path of a route in the syntax of aiohttp, for an id that may contain braces."""
    return path.replace("{id}", "{id:[^/]+}")


async def find_database_id(request: web.Request) -> str:
    """Return the id of the database that the path names, and note it for the audit log. Raises
    DatabaseNotFound and AmbiguousName."""
    handle = request.match_info["id"]
    database_id = await request.app[USE_CASES].find.find_id(handle, get_caller(request))
    request[AUDIT_SUBJECT] = database_id
    return database_id


def parse_id(request: web.Request, error: type[DatabaseNotFound]) -> str:
    """Return the id in the path. Raises the error for anything else: a repeated request must not
    delete what was created since under the same name."""
    handle = request.match_info["id"]
    if not is_id(handle):
        kind = "template" if error is TemplateNotFound else "database"
        raise error(
            f"There is no {kind} with the id {handle!r}. DELETE takes an id: look up the name with "
            "GET first."
        )
    return handle
