"""Handlers of `/v1/webhooks`."""

from aiohttp import web

from entrypoints.http.api.context import AUDIT_SUBJECT, USE_CASES, get_caller
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.webhooks import (
    CreateWebhookRequest,
    WebhookListResponse,
    WebhookResponse,
    WebhookWithSecretResponse,
    render_test,
)
from ports.use_cases.manage_webhooks import ManageWebhooks


async def create_webhook(request: web.Request) -> web.Response:
    body = await read_body(CreateWebhookRequest, request)
    status, secret = await _manage(request).create(body.to_request(), get_caller(request))
    request[AUDIT_SUBJECT] = status.webhook.id
    return json_response(
        WebhookWithSecretResponse.with_secret(status, secret),
        status=201,
        headers={"Location": f"/v1/webhooks/{status.webhook.id}"},
    )


async def list_webhooks(request: web.Request) -> web.Response:
    statuses = await _manage(request).list(get_caller(request))
    return json_response(WebhookListResponse.from_domain(statuses))


async def show_webhook(request: web.Request) -> web.Response:
    status = await _manage(request).show(request.match_info["id"], get_caller(request))
    return json_response(WebhookResponse.from_status(status))


async def delete_webhook(request: web.Request) -> web.Response:
    status = await _manage(request).delete(request.match_info["id"], get_caller(request))
    return json_response(WebhookResponse.from_status(status))


async def rotate_webhook_secret(request: web.Request) -> web.Response:
    status, secret = await _manage(request).rotate(request.match_info["id"], get_caller(request))
    return json_response(WebhookWithSecretResponse.with_secret(status, secret))


async def test_webhook(request: web.Request) -> web.Response:
    send_test_message = request.app[USE_CASES].webhooks.send_test_message
    status = await send_test_message(request.match_info["id"], render_test, get_caller(request))
    return json_response(WebhookResponse.from_status(status))


def _manage(request: web.Request) -> ManageWebhooks:
    return request.app[USE_CASES].webhooks.manage
