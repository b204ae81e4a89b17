"""Handlers of `/v1/templates`."""

from functools import partial

from aiohttp import web

from domain.database import Database
from domain.errors import TemplateNotFound
from entrypoints.http.api.context import AUDIT_SUBJECT, BACKGROUND, USE_CASES, get_caller
from entrypoints.http.api.handles import parse_id
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.templates import (
    CreateTemplateRequest,
    TemplateListResponse,
    TemplateResponse,
)


async def create_template(request: web.Request) -> web.Response:
    body = await read_body(CreateTemplateRequest, request)
    template = await request.app[USE_CASES].create_template(body.to_request(get_caller(request)))
    request[AUDIT_SUBJECT] = template.id
    return _respond(template, status=201)


async def list_templates(request: web.Request) -> web.Response:
    templates = await request.app[USE_CASES].templates.list(get_caller(request))
    return json_response(TemplateListResponse.from_domain(templates))


async def show_template(request: web.Request) -> web.Response:
    templates = request.app[USE_CASES].templates
    template = await templates.show(request.match_info["id"], get_caller(request))
    return json_response(TemplateResponse.from_domain(template))


async def delete_template(request: web.Request) -> web.Response:
    use_cases = request.app[USE_CASES]
    template = await use_cases.templates.request_deletion(
        parse_id(request, TemplateNotFound), get_caller(request)
    )
    finish = partial(use_cases.delete.wait_until_deleted, template.id)
    request.app[BACKGROUND].spawn(finish, name=f"delete {template.id}")
    return _respond(template, status=202)


def _respond(template: Database, *, status: int) -> web.Response:
    headers = {"Location": f"/v1/templates/{template.id}"}
    return json_response(TemplateResponse.from_domain(template), status=status, headers=headers)
