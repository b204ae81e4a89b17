"""The table of routes, and the OpenAPI document generated from it."""

import json
import re
from functools import cache
from typing import Any

import pytest
from openapi_spec_validator import validate

from entrypoints.config.provider import ProviderName
from entrypoints.http.api.openapi import create_document
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from entrypoints.http.app import build_app
from tests.support.apps import create_container

DOCUMENTED = [route for route in ROUTES if route.is_documented]


@cache
def generate_document(*, is_open: bool = False) -> dict[str, Any]:
    """Return the document, generated on first use, because `make mutants` changes the code after
    this module was imported."""
    return create_document(ROUTES, is_open=is_open)


def find_operation(route: Route, *, is_open: bool = False) -> dict[str, Any]:
    operation: dict[str, Any] = generate_document(is_open=is_open)["paths"][route.path][
        route.method.lower()
    ]
    return operation


def find_create_operation() -> dict[str, Any]:
    [route] = (route for route in ROUTES if route.name == "createDatabase")
    return find_operation(route)


def list_create_error_codes(status: int) -> list[str]:
    schema = find_create_operation()["responses"][str(status)]["content"][
        "application/problem+json"
    ]["schema"]
    codes: list[str] = schema["properties"]["code"]["enum"]
    return codes


def test_the_application_serves_exactly_the_table() -> None:
    router = build_app(create_container(ProviderName.MEMORY)).router
    answered = {
        (route.method, route.resource.canonical, route.handler)
        for route in router.routes()
        if route.resource and route.method not in {"HEAD", "OPTIONS"}
    }

    assert answered == {(route.method, route.path, route.handler) for route in ROUTES}


def test_every_route_has_a_name_and_a_handler_of_its_own() -> None:
    """A route, and so its scope, is found by its handler."""
    assert len({route.handler for route in ROUTES}) == len(ROUTES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_documents_its_path_parameters_and_each_status_once(route: Route) -> None:
    named = {parameter.name for parameter in route.parameters if parameter.place == "path"}
    assert not route.is_documented or named == set(re.findall(r"{(\w+)}", route.path))
    assert len({answer.status for answer in route.answers}) == len(route.answers)


def test_the_document_is_valid_and_has_exactly_the_listed_routes() -> None:
    validate(generate_document())
    paths = generate_document()["paths"].values()
    names = [call["operationId"] for calls in paths for call in calls.values()]
    assert json.loads(json.dumps(generate_document())) == generate_document()
    assert sorted(names) == sorted(route.name for route in DOCUMENTED)


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_an_operation_documents_its_scope_and_its_refusals(route: Route) -> None:
    ways: list[dict[str, list[str]]] = [{"key": []}] if route.needs_key else []
    answers = find_operation(route)["responses"]

    assert find_operation(route)["security"] == ways
    assert find_operation(route, is_open=True)["security"] == ([{}, *ways] if ways else [])
    named = f"scope `{route.scope}`" in find_operation(route)["description"]
    assert named is (route.scope is not None)
    assert ({"401", "403", "429"} <= answers.keys()) is bool(ways)
    assert all("X-Request-ID" in answer["headers"] for answer in answers.values())


def test_error_codes_are_documented() -> None:
    assert {"name_taken", "in_flight"} <= set(list_create_error_codes(409))
    assert {"invalid_nickname", "invalid_labels"} <= set(list_create_error_codes(422))
    assert list_create_error_codes(413) == ["body_too_large"]


def test_a_body_is_documented_by_its_model() -> None:
    body = generate_document()["components"]["schemas"]["CreateDatabaseRequest"]
    assert body["required"] == ["nickname"]
    assert body["additionalProperties"] is False
    assert body["properties"]["nickname"]["maxLength"] == 256
    assert body["properties"]["extensions"]["maxItems"] == 16


def test_no_schema_names_a_default() -> None:
    """Client generators treat a member with a default as always present."""
    assert '"default":' not in json.dumps(generate_document())


@pytest.mark.parametrize(
    ("model", "left_out"),
    [
        ("Connection", {"hosts", "pooler_host", "sslrootcert", "target_session_attrs"}),
        ("Step", {"error"}),
        ("LegacyDatabase", set()),
        ("Liveness", set()),
    ],
)
def test_all_members_of_an_answer_are_required_except_optional_ones(
    model: str, left_out: set[str]
) -> None:
    schema = generate_document()["components"]["schemas"][model]
    assert set(schema["properties"]) - set(schema["required"]) == left_out


def test_a_creation_links_to_the_operations_on_the_database() -> None:
    assert find_create_operation()["responses"]["201"]["links"]["rotatePassword"] == {
        "operationId": "rotatePassword",
        "parameters": {"id": "$response.body#/id"},
    }


def test_states_of_spares_and_templates_are_not_those_of_databases() -> None:
    [route] = (route for route in ROUTES if route.name == "listDatabases")
    [parameter] = (each for each in find_operation(route)["parameters"] if each["name"] == "state")
    answered = generate_document()["components"]["schemas"]["Database"]["properties"]["state"]

    assert parameter["schema"]["items"]["enum"] == answered["enum"]
    assert {"ready", "deleted"} < set(answered["enum"])
    assert not {"spare", "template"} & set(answered["enum"])
