"""The document that is made from the table of routes and the models."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from domain.caller import Scope
from entrypoints.http.openapi import document
from entrypoints.http.route import Route
from entrypoints.http.routes import ROUTES

LISTED = [route for route in ROUTES if route.listed]

EVERY_CALL = pytest.mark.parametrize("route", LISTED, ids=lambda route: route.name)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(ROUTES, is_open=False)


def operation_of(described: dict[str, Any], route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = described["paths"][route.path][route.method.lower()]
    return operation


def codes_of(described: dict[str, Any], route: Route, status: int) -> list[str]:
    answer = operation_of(described, route)["responses"][str(status)]
    schema = answer["content"]["application/problem+json"]["schema"]
    codes: list[str] = schema["properties"]["code"]["enum"]
    return codes


def route_named(name: str) -> Route:
    [route] = (route for route in ROUTES if route.name == name)
    return route


def test_it_is_openapi(described: dict[str, Any]) -> None:
    validate(described)


def test_it_is_json(described: dict[str, Any]) -> None:
    assert json.loads(json.dumps(described)) == described


def test_it_has_every_listed_call_and_no_other(described: dict[str, Any]) -> None:
    named = [
        call["operationId"] for calls in described["paths"].values() for call in calls.values()
    ]

    assert sorted(named) == sorted(route.name for route in LISTED)


@EVERY_CALL
def test_a_call_says_what_a_key_has_to_be_for(described: dict[str, Any], route: Route) -> None:
    ways = [{"key": [route.scope]}] if route.scope else []

    assert operation_of(described, route)["security"] == ways


@EVERY_CALL
def test_an_open_service_says_that_no_key_is_needed(route: Route) -> None:
    ways = operation_of(document(ROUTES, is_open=True), route)["security"]

    assert ways == ([{}, {"key": [route.scope]}] if route.scope else [])


@EVERY_CALL
def test_a_call_that_takes_a_key_tells_how_it_is_refused(
    described: dict[str, Any], route: Route
) -> None:
    statuses = operation_of(described, route)["responses"].keys()

    assert ({"401", "403", "429"} <= statuses) is (route.scope is not None)


@EVERY_CALL
def test_every_answer_says_what_the_log_knows_it_by(
    described: dict[str, Any], route: Route
) -> None:
    for answer in operation_of(described, route)["responses"].values():
        assert "X-Request-ID" in answer["headers"]


def test_the_codes_of_errors_are_told(described: dict[str, Any]) -> None:
    create = route_named("createDatabase")

    assert {"name_taken", "in_flight"} <= set(codes_of(described, create, 409))
    assert {"invalid_nickname", "invalid_labels"} <= set(codes_of(described, create, 422))
    assert codes_of(described, create, 413) == ["body_too_large"]


def test_a_body_is_described_by_the_model_that_checks_it(described: dict[str, Any]) -> None:
    body = described["components"]["schemas"]["VendBody"]

    assert body["required"] == ["nickname"]
    assert body["additionalProperties"] is False
    assert body["properties"]["nickname"]["maxLength"] == 256
    assert body["properties"]["extensions"]["maxItems"] == 16


def test_from_a_new_database_the_document_leads_to_what_can_be_done_with_it(
    described: dict[str, Any],
) -> None:
    made = operation_of(described, route_named("createDatabase"))["responses"]["201"]

    assert made["links"]["rotatePassword"] == {
        "operationId": "rotatePassword",
        "parameters": {"id": "$response.body#/id"},
    }


def test_every_scope_is_for_something() -> None:
    assert {route.scope for route in ROUTES} - {None} == set(Scope)
