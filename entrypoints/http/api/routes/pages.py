"""Routes of pages, and of what describes the API to programs."""

from entrypoints.http.api.handlers import documentation, index
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.schemas.index import IndexResponse

PAGE_ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=index.show_index,
        scope=None,
        name="index",
        tag=Tag.SERVICE,
        summary="Index of the service",
        description=(
            "Returns the console to browsers, which prefer `text/html`, and to programs the "
            "addresses of the API, its version and the names of the connection formats. Needs no "
            "key."
        ),
        answers=(
            Answer(
                status=200,
                description="The index.",
                body={"application/json": IndexResponse, "text/html": None},
                headers={"Vary": "`Accept`."},
            ),
        ),
    ),
    Route(
        method="GET",
        path="/console/{asset}",
        handler=index.show_asset,
        scope=None,
        name="consoleFile",
        tag=Tag.SERVICE,
        summary="Files of the console",
        description="The console's scripts, style and icons.",
        answers=(),
        is_documented=False,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=documentation.show_document,
        scope=None,
        name="openapi",
        tag=Tag.SERVICE,
        summary="OpenAPI document",
        description="This document.",
        answers=(),
        is_documented=False,
    ),
    Route(
        method="GET",
        path="/llms.txt",
        handler=documentation.show_guide,
        scope=None,
        name="guide",
        tag=Tag.SERVICE,
        summary="Guide for AI agents",
        description="How to create databases with this API, as Markdown.",
        answers=(),
        is_documented=False,
    ),
    Route(
        method="GET",
        path="/docs",
        handler=documentation.show_page,
        scope=None,
        name="docs",
        tag=Tag.SERVICE,
        summary="Documentation page",
        description="A page that shows the API and calls it.",
        answers=(),
        is_documented=False,
    ),
    Route(
        method="GET",
        path="/docs/",
        handler=documentation.redirect_to_page,
        scope=None,
        name="docsFolder",
        tag=Tag.SERVICE,
        summary="Documentation page",
        description="Leads to `/docs`.",
        answers=(),
        is_documented=False,
    ),
    Route(
        method="GET",
        path="/docs/{asset}",
        handler=documentation.show_asset,
        scope=None,
        name="asset",
        tag=Tag.SERVICE,
        summary="Files of the documentation page",
        description="The page's script, style and icon.",
        answers=(),
        is_documented=False,
    ),
)
