"""`/v1/databases/{id}/connection`: the connection again, in the caller's format."""

from aiohttp import web

from entrypoints.formats import chosen
from entrypoints.http.bodies import JSON, json_response
from entrypoints.http.callers import caller_of
from entrypoints.http.connection_schemas import RevealedConnectionResponse
from entrypoints.http.headers import etag, verified
from entrypoints.http.keys import USE_CASES
from entrypoints.http.queries import flag


async def show(request: web.Request) -> web.Response:
    accept = ", ".join(request.headers.getall("Accept", []))  # it may be said in several lines
    form = chosen(request.query.get("format"), accept)
    vended = await request.app[USE_CASES].connect(
        request.match_info["id"], caller_of(request), verify=flag(request, "verify")
    )
    form.check(vended.connection)
    headers = etag(vended.database) | verified(vended.verified) | {"Vary": "Accept"}
    if form.media_type == JSON:
        return json_response(RevealedConnectionResponse.shown(vended), headers=headers)
    return web.Response(
        text=form.render(vended.connection), content_type=form.media_type, headers=headers
    )
