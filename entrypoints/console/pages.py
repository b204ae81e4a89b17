"""Answers with the files of the console, which are read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath

from aiohttp import ETag, web

PAGE = "index.html"

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page; `etag` is a digest of its content."""

    body: bytes = field(repr=False)
    media_type: str
    etag: str


def console_response(request: web.Request) -> web.Response:
    """Return the page at `/`. The caller adds its Content-Security-Policy."""
    return _respond(request, load_files()[PAGE])


def asset_response(request: web.Request, name: str) -> web.Response:
    """Return the file of that name below `/console/`. Raises HTTPNotFound."""
    found = load_files().get(name)
    if found is None:
        raise web.HTTPNotFound
    return _respond(request, found)


@cache
def load_files() -> Mapping[str, PageFile]:
    """Return all files of the page by name."""
    folder = files("entrypoints.console").joinpath("page")
    return {
        each.name: _read(each.name, each.read_bytes())
        for each in folder.iterdir()
        if PurePath(each.name).suffix in MEDIA_TYPES
    }


def _read(name: str, body: bytes) -> PageFile:
    digest = sha256(body).hexdigest()[:32]
    return PageFile(body, MEDIA_TYPES[PurePath(name).suffix], digest)


def _respond(request: web.Request, file: PageFile) -> web.Response:
    """Answer with the file, or with 304 if the browser has this version."""
    headers = {"Cache-Control": "no-cache"}
    if any(tag.value in {file.etag, "*"} for tag in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(
            body=file.body, content_type=file.media_type, charset="utf-8", headers=headers
        )
    response.etag = ETag(file.etag)
    return response
