"""The files of the console."""

from functools import cache
from importlib.resources import files

from aiohttp import web

PAGE = "index.html"
MEDIA_TYPES = {PAGE: "text/html"}


def console_response(request: web.Request) -> web.Response:
    """Return the page at `/`. The caller adds its Content-Security-Policy."""
    return _respond_with_file(PAGE)


def asset_response(request: web.Request, name: str) -> web.Response:
    """Return the file of that name below `/console/`. Raises HTTPNotFound."""
    if name not in MEDIA_TYPES:
        raise web.HTTPNotFound
    return _respond_with_file(name)


def _respond_with_file(name: str) -> web.Response:
    return web.Response(
        body=_read(name),
        content_type=MEDIA_TYPES[name],
        charset="utf-8",
        headers={"Cache-Control": "no-cache"},
    )


@cache
def _read(name: str) -> bytes:
    return files("entrypoints.console").joinpath(name).read_bytes()
