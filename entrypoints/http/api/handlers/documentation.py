"""Handlers of `/openapi.json`, of `/docs`, a page that shows the API and calls it, and of
`/llms.txt`, which explains the API to programs that write programs."""

from functools import cache
from importlib.resources import files

from aiohttp import web

from entrypoints.http.api.context import DOCUMENT

PAGE = "docs.html"
GUIDE = "llms.txt"
SCRIPTS = ("docs.js", "calls.js", "schemas.js", "requests.js", "answers.js", "elements.js")
MEDIA_TYPES = {
    PAGE: "text/html",
    GUIDE: "text/plain",
    "docs.css": "text/css",
    **dict.fromkeys(SCRIPTS, "text/javascript"),
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page's Content-Security-Policy: no content from other origins, no inline scripts."""


async def show_document(request: web.Request) -> web.Response:
    return web.Response(text=request.app[DOCUMENT], content_type="application/json")


async def show_page(request: web.Request) -> web.Response:
    return _respond_with_file(PAGE)


async def show_guide(request: web.Request) -> web.Response:
    return _respond_with_file(GUIDE)


async def redirect_to_page(request: web.Request) -> web.Response:
    """Lead from `/docs/` to `/docs`, below whose address the page's files are."""
    return web.Response(status=308, headers={"Location": "../docs"})


async def show_asset(request: web.Request) -> web.Response:
    name = request.match_info["asset"]
    if name not in MEDIA_TYPES:
        raise web.HTTPNotFound
    return _respond_with_file(name)


def _respond_with_file(name: str) -> web.Response:
    return web.Response(
        body=_read(name),
        content_type=MEDIA_TYPES[name],
        charset="utf-8",
        headers={"Cache-Control": "no-cache", "Content-Security-Policy": CONTENT_SECURITY_POLICY},
    )


@cache
def _read(name: str) -> bytes:
    return files("entrypoints.http.api").joinpath("page", name).read_bytes()
