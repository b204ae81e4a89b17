"""Handler of `/v1/databases/{id}/connection`."""

from aiohttp import web

from entrypoints.formats import choose_format
from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.headers import format_etag, format_verified
from entrypoints.http.api.json_bodies import JSON, json_response
from entrypoints.http.api.query_values import parse_flag
from entrypoints.http.api.schemas.connections import RevealedConnectionResponse
from entrypoints.http.callers import get_caller


async def show(request: web.Request) -> web.Response:
    accept = ", ".join(request.headers.getall("Accept", []))  # the header may be repeated
    form = choose_format(request.query.get("format"), accept)
    provisioned = await request.app[USE_CASES].show_connection(
        request.match_info["id"], get_caller(request), verify=parse_flag(request, "verify")
    )
    form.check(provisioned.connection)
    headers = (
        format_etag(provisioned.database)
        | format_verified(provisioned.verified)
        | {"Vary": "Accept"}
    )
    if form.media_type == JSON:
        return json_response(
            RevealedConnectionResponse.from_provisioned(provisioned), headers=headers
        )
    return web.Response(
        text=form.render(provisioned.connection), content_type=form.media_type, headers=headers
    )
