"""The checker finds violations of Neon's description; all tests of the emulator show that it finds
no others."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.support.neon.conformity import ConformityChecker, create_checker
from tests.support.neon.exchanges import Exchange, RecordedResponse

TIMES = {"created_at": "2025-01-16T21:02:03Z", "updated_at": "2025-01-16T21:02:03Z"}

ROLE = {"branch_id": "br-quiet-sea-1", "name": "ana", **TIMES}
DATABASE = {"id": 1, "branch_id": "br-quiet-sea-1", "name": "shop", "owner_name": "ana", **TIMES}
NEW = {"name": "shop", "owner_name": "ana"}

ROLES = "/projects/quiet-sea-1/branches/br-quiet-sea-1/roles"
DATABASES = "/projects/quiet-sea-1/branches/br-quiet-sea-1/databases"
HEADERS = {"Authorization": "Bearer key", "Content-Type": "application/json"}


def _json(status: int, body: object) -> RecordedResponse:
    return RecordedResponse(status, json.dumps(body).encode())


def _create_exchange(response: RecordedResponse) -> Exchange:
    return Exchange("GET", ROLES, response, headers=HEADERS)


def _list_roles(**role: object) -> Exchange:
    return _create_exchange(_json(200, {"roles": [ROLE | role]}))


def _create_database(status: int = 201, **changes: object) -> Exchange:
    response = _json(status, {"database": DATABASE, "operations": []})
    body = json.dumps({"database": NEW | changes}).encode()
    return Exchange("POST", DATABASES, response, headers=HEADERS, body=body)


def _refuse(path: str) -> Exchange:
    return Exchange("GET", path, _json(404, {"detail": "not found"}), headers=HEADERS)


DELETED = Exchange("DELETE", f"{ROLES}/ana", RecordedResponse(204, b"{}"), headers=HEADERS)
VIOLATIONS: Mapping[str, tuple[Exchange, str]] = {
    "a required field is missing": (
        _create_exchange(_json(200, {"roles": [{"name": "ana", **TIMES}]})),
        "'branch_id' is a required property",
    ),
    "a wrong type": (_list_roles(protected="no"), "'no' is not of type 'boolean'"),
    "a wrong time": (_list_roles(created_at="yesterday"), "'yesterday' is not a 'date-time'"),
    "an unknown field": (_list_roles(pasword="x"), "response: unknown field roles.pasword"),
    "a response in HTML": (
        _create_exchange(RecordedResponse(200, b"<html>", "text/html")),
        "text/html",
    ),
    "broken JSON": (_create_exchange(RecordedResponse(200, b'{"roles": [')), "response: "),
    "a success of another status": (_create_database(200), "'message' is a required property"),
    "an undescribed body": (DELETED, "a body that the description does not have"),
    "an error in another form": (_refuse(f"{ROLES}/ana"), "'message' is a required property"),
    "an error of no operation": (_refuse("/nowhere"), "'message' is a required property"),
    "an unknown operation": (replace(_list_roles(), method="PUT"), "no such operation"),
    "an accepted request lacks a field": (
        replace(_create_database(), body=b'{"database": {"name": "shop"}}'),
        "$.database 'owner_name' is a required property",
    ),
    "an unknown field of a request": (
        _create_database(encoding="x"),
        "unknown field database.encoding",
    ),
    "an unknown query": (replace(_list_roles(), query="page=2"), "unknown query parameter page"),
    "accepted without a key": (replace(_list_roles(), headers={}), "request: Security"),
}


@pytest.fixture
def checker() -> ConformityChecker:
    checker = create_checker()
    if checker is None:
        pytest.skip("needs Neon's description: see NEON_OPENAPI")
    return checker


@pytest.mark.parametrize(("exchange", "words"), VIOLATIONS.values(), ids=list(VIOLATIONS))
def test_the_checker_finds_violations(
    checker: ConformityChecker, exchange: Exchange, words: str
) -> None:
    checker.check(exchange)

    assert any(words in violation for violation in checker.violations), checker.violations
