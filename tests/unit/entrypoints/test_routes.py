"""One table says what the service answers; nothing is answered beside it."""

import re

import pytest
from aiohttp import web

from domain.caller import Scope
from entrypoints.http.app import build_app
from entrypoints.http.route import Route
from entrypoints.http.routes import ROUTES
from entrypoints.provider_settings import ProviderName
from tests.support.apps import container_of

WITHOUT_A_KEY = {"/api/test", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/{asset}"}

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


def application() -> web.Application:
    return build_app(container_of(ProviderName.MEMORY))


def test_the_application_answers_the_table_and_nothing_else() -> None:
    answered = {
        (route.method, route.resource.canonical, route.handler)
        for route in application().router.routes()
        if route.resource and route.method not in {"HEAD", "OPTIONS"}
    }

    assert answered == {(route.method, route.path, route.handler) for route in ROUTES}


def test_every_call_is_done_by_a_handler_of_its_own() -> None:
    """By which its entry, and so the scope that it takes, is found."""
    assert len({route.handler for route in ROUTES}) == len(ROUTES)


def test_no_two_calls_have_one_name() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_only_what_tells_nothing_about_databases_is_answered_without_a_key() -> None:
    assert {route.path for route in ROUTES if route.scope is None} == WITHOUT_A_KEY


def test_what_changes_nothing_of_a_database_is_all_that_a_reading_key_is_for() -> None:
    assert {route.method for route in ROUTES if route.scope is Scope.READ} == {"GET"}


@EVERY_ROUTE
def test_a_call_names_what_is_in_its_path(route: Route) -> None:
    named = {parameter.name for parameter in route.parameters if parameter.place == "path"}

    assert not route.listed or named == set(re.findall(r"{(\w+)}", route.path))


@EVERY_ROUTE
def test_a_call_has_no_two_answers_of_one_status(route: Route) -> None:
    assert len({answer.status for answer in route.answers}) == len(route.answers)
