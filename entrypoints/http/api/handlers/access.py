"""Handlers of `/v1/whoami` and `/v1/key-exchange`."""

from aiohttp import web

from entrypoints.http.api.authentication import logging_refusals, set_caller
from entrypoints.http.api.context import CLIENT_ADDRESS, USE_CASES, get_caller
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.access import (
    ExchangedKeyResponse,
    ExchangeKeyRequest,
    WhoamiResponse,
)
from ports.use_cases.authenticate_caller import AuthenticatedCaller

EXCHANGE_KEY = "exchangeKey"
"""The name of the route, and of the action in the audit log."""


async def show_caller(request: web.Request) -> web.Response:
    described = await request.app[USE_CASES].access.describe_caller(get_caller(request))
    return json_response(WhoamiResponse.from_domain(described))


async def exchange_key(request: web.Request) -> web.Response:
    body = await read_body(ExchangeKeyRequest, request)
    exchange = request.app[USE_CASES].access.exchange_key
    with logging_refusals(request):
        key, caller = await exchange(body.code, request[CLIENT_ADDRESS])
    set_caller(request, AuthenticatedCaller(caller), EXCHANGE_KEY)
    return json_response(ExchangedKeyResponse(key=key.reveal()))
