"""The check itself: what Neon's description does not allow is found, and nothing else."""

import json
from dataclasses import replace

import pytest

from tests.support.neon.conformity import Conformity, conformity
from tests.support.neon.exchange import Answer, Exchange

TIMES = {"created_at": "2025-01-16T21:02:03Z", "updated_at": "2025-01-16T21:02:03Z"}

ROLE = {"branch_id": "br-quiet-sea-1", "name": "ana", **TIMES}

DATABASE = {"id": 1, "branch_id": "br-quiet-sea-1", "name": "shop", "owner_name": "ana", **TIMES}

ROLES = "/projects/quiet-sea-1/branches/br-quiet-sea-1/roles"
DATABASES = "/projects/quiet-sea-1/branches/br-quiet-sea-1/databases"

HEADERS = {"Authorization": "Bearer key", "Content-Type": "application/json"}

ERROR = {"request_id": "6f9b0d1e-6a3c-4f8e-9d2b-0a1b2c3d4e5f", "code": "", "message": "no"}


@pytest.fixture
def checked() -> Conformity:
    found = conformity()
    if found is None:
        pytest.skip("needs Neon's description: see NEON_OPENAPI")
    return found


def test_passes_an_exchange_that_is_as_described(checked: Conformity) -> None:
    checked.check(_created())
    checked.check(_listed())
    checked.check(_refused())

    assert checked.violations == []


def test_counts_what_it_saw(checked: Conformity) -> None:
    checked.check(_created())
    checked.check(_created())

    operation = "POST /projects/{project_id}/branches/{branch_id}/databases 201"
    assert dict(checked.seen) == {operation: 2}


def test_finds_a_required_field_that_is_missing(checked: Conformity) -> None:
    checked.check(_listed(roles=[{"name": "ana", **TIMES}]))

    assert _said(checked, "'branch_id' is a required property")


def test_finds_a_value_of_the_wrong_type(checked: Conformity) -> None:
    checked.check(_listed(roles=[ROLE | {"protected": "no"}]))

    assert _said(checked, "'no' is not of type 'boolean'")


def test_finds_a_time_that_is_none(checked: Conformity) -> None:
    checked.check(_listed(roles=[ROLE | {"created_at": "yesterday"}]))

    assert _said(checked, "'yesterday' is not a 'date-time'")


def test_finds_a_field_that_nobody_described(checked: Conformity) -> None:
    checked.check(_listed(roles=[ROLE | {"pasword": "secret"}]))

    assert _said(checked, "answer: unknown field roles.pasword")


def test_finds_an_answer_that_is_not_json(checked: Conformity) -> None:
    checked.check(replace(_listed(), answer=Answer(200, b"<html>", "text/html")))

    assert _said(checked, "text/html")


def test_finds_broken_json(checked: Conformity) -> None:
    checked.check(replace(_listed(), answer=Answer(200, b'{"roles": [')))

    assert checked.violations


def test_finds_a_success_that_is_not_described(checked: Conformity) -> None:
    checked.check(replace(_created(), answer=replace(_created().answer, status_code=200)))

    assert _said(checked, "'message' is a required property")


def test_finds_a_body_with_an_answer_that_has_none(checked: Conformity) -> None:
    checked.check(Exchange("DELETE", f"{ROLES}/ana", Answer(204, b"{}"), headers=HEADERS))

    assert _said(checked, "a body where none is described")


def test_lets_a_deletion_of_nothing_have_no_body(checked: Conformity) -> None:
    checked.check(Exchange("DELETE", f"{ROLES}/ana", Answer(204), headers=HEADERS))

    assert checked.violations == []


def test_finds_an_error_in_another_form(checked: Conformity) -> None:
    checked.check(replace(_refused(), answer=_json(404, {"detail": "not found"})))

    assert _said(checked, "'message' is a required property")


def test_finds_it_at_paths_that_are_not_described_too(checked: Conformity) -> None:
    checked.check(Exchange("GET", "/nowhere", _json(404, {"detail": "not found"})))

    assert _said(checked, "'message' is a required property")


def test_finds_an_operation_that_is_not_described(checked: Conformity) -> None:
    checked.check(replace(_listed(), method="PUT"))

    assert _said(checked, "no such operation")


def test_finds_an_accepted_request_without_what_it_needs(checked: Conformity) -> None:
    checked.check(replace(_created(), body=b'{"database": {"name": "shop"}}'))

    assert _said(checked, "request: ", "'owner_name' is a required property")


def test_finds_an_accepted_request_with_unknown_fields(checked: Conformity) -> None:
    wished = {"name": "shop", "owner_name": "ana", "encoding": "LATIN1"}
    checked.check(replace(_created(), body=json.dumps({"database": wished}).encode()))

    assert _said(checked, "request: unknown field database.encoding")


def test_finds_an_unknown_query_parameter(checked: Conformity) -> None:
    checked.check(replace(_listed(), query="page=2"))

    assert _said(checked, "request: unknown query parameter page")


def test_finds_a_request_that_was_let_in_without_a_key(checked: Conformity) -> None:
    checked.check(replace(_listed(), headers={}))

    assert _said(checked, "request: ", "Security")


def test_lets_a_refused_request_be_anything(checked: Conformity) -> None:
    checked.check(replace(_refused(), query="page=2", headers={}, body=b"{"))

    assert checked.violations == []


def test_takes_a_slash_in_a_name_for_part_of_the_name(checked: Conformity) -> None:
    answer = _json(200, {"role": ROLE | {"name": "a/b"}})
    checked.check(Exchange("GET", f"{ROLES}/a%2Fb", answer, headers=HEADERS))

    assert checked.violations == []


def _created() -> Exchange:
    asked = {"database": {"name": "shop", "owner_name": "ana"}}
    answer = _json(201, {"database": DATABASE, "operations": []})
    return Exchange("POST", DATABASES, answer, headers=HEADERS, body=json.dumps(asked).encode())


def _listed(**answered: object) -> Exchange:
    return Exchange("GET", ROLES, _json(200, {"roles": [ROLE], **answered}), headers=HEADERS)


def _refused() -> Exchange:
    return Exchange("GET", f"{ROLES}/ana", _json(404, ERROR), headers=HEADERS)


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _said(checked: Conformity, *parts: str) -> bool:
    """Whether one violation has all these parts; all are shown when none has."""
    assert checked.violations, "nothing was found"
    return any(all(part in each for part in parts) for each in checked.violations)
