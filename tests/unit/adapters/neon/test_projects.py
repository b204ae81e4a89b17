"""The account's projects: page by page to the end, each of them once; and what is dropped."""

from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.neon.errors import NotVisible
from adapters.neon.projects import NeonProjects
from adapters.neon.wire import Project
from domain.errors import ProviderBusy, ProviderRejected
from domain.naming import Nickname
from tests.unit.adapters.neon.conftest import MOMENT, PROJECT, Wire, project

MARK = "pgvend:testing:"
NAME = f"{MARK}db_1 shop user_shop"


async def test_one_page_without_a_cursor_is_all(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)])

    assert await _named(wire) == ["p-1"]


async def test_goes_on_to_an_empty_page(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)], then="c-1")
    _page(wire, [project("p-2", NAME)], cursor="c-1", then="c-2")
    _page(wire, [], cursor="c-2", then="c-3")

    assert await _named(wire) == ["p-1", "p-2"]


async def test_a_last_page_that_leads_to_itself_ends_the_list(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)], then="c-1")
    _page(wire, [project("p-1", NAME)], cursor="c-1", then="c-1")

    assert await _named(wire) == ["p-1"]


async def test_pages_that_lead_round_in_a_circle_end(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)], then="c-1")
    _page(wire, [project("p-2", NAME)], cursor="c-1", then="c-2")
    _page(wire, [project("p-1", NAME)], cursor="c-2", then="c-1")

    assert await _named(wire) == ["p-1", "p-2"]


async def test_a_page_without_anything_about_pages_is_the_last(wire: Wire) -> None:
    wire.on("GET", _query(), payload={"projects": [project("p-1", NAME)]})

    assert await _named(wire) == ["p-1"]


async def test_a_page_that_fails_is_not_taken_for_the_end(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)], then="c-1")
    wire.on("GET", _query("c-1"), status=503)

    with pytest.raises(ProviderBusy):
        await _named(wire)


async def test_what_only_has_the_mark_somewhere_is_not_ours(wire: Wire) -> None:
    _page(wire, [project("p-1", f"copy of {NAME}"), project("p-2", NAME)])

    assert await _named(wire) == ["p-2"]


async def test_the_oldest_comes_first(wire: Wire) -> None:
    newer, older = "2026-01-02T03:04:06Z", "2026-01-02T03:04:05Z"
    _page(wire, [project("p-1", NAME, newer), project("p-3", NAME, older)], then="c-1")
    _page(wire, [project("p-2", NAME, older)], cursor="c-1")

    assert await _named(wire) == ["p-2", "p-3", "p-1"]


async def test_asks_within_the_organization_of_the_configured_project(wire: Wire) -> None:
    _page(wire, [project("p-1", NAME)], org_id="org-1")

    assert await _named(wire, org_id="org-1") == ["p-1"]


async def test_a_new_project_is_like_the_configured_one(wire: Wire) -> None:
    answer = {"project": project("p-1", NAME), "branch": {"id": "br-1"}, "operations": []}
    wire.on("POST", "/projects", status=201, payload=answer)
    like = {"region_id": "aws-us-east-2", "pg_version": 17, "org_id": "org-1"}

    await _projects(wire, **like).make(NAME, Nickname("Shop").names())

    wanted = wire.asked("POST")[0]["json"]["project"]
    assert wanted.items() >= {"name": NAME, **like}.items()
    assert wanted["branch"] == {"database_name": "shop", "role_name": "user_shop"}


async def test_the_default_branch_is_known_by_its_flag(wire: Wire) -> None:
    branches = [
        {"id": "br-1", "name": "main", "primary": True, "default": False},
        {"id": "br-2", "name": "trunk", "primary": False, "default": True},
    ]
    wire.on("GET", f"{PROJECT}/branches", payload={"branches": branches})

    assert await _projects(wire).default_branch(_project()) == "br-2"


async def test_a_project_without_a_default_branch_is_of_no_use(wire: Wire) -> None:
    wire.on("GET", f"{PROJECT}/branches", payload={"branches": [{"id": "br-1"}]})

    with pytest.raises(ProviderRejected):
        await _projects(wire).default_branch(_project())


async def test_dropping_what_is_not_there_succeeds(wire: Wire) -> None:
    wire.on("DELETE", PROJECT, status=404)
    wire.on("GET", PROJECT, payload={"project": project("quiet-sea-1", "mine")})
    _page(wire, [], search=NAME)

    await _projects(wire).drop(_project())

    assert wire.count("DELETE", PROJECT) == 1


async def test_a_key_that_sees_nothing_has_dropped_nothing(wire: Wire) -> None:
    wire.on("DELETE", PROJECT, status=404)
    wire.on("GET", PROJECT, status=404)

    with pytest.raises(NotVisible):
        await _projects(wire).drop(_project())


@pytest.mark.parametrize("status", [403, 404])
async def test_a_key_that_may_not_drop_has_dropped_nothing(wire: Wire, status: int) -> None:
    wire.on("DELETE", PROJECT, status=status)
    wire.on("GET", PROJECT, payload={"project": project("quiet-sea-1", "mine")})
    _page(wire, [project("quiet-sea-1", NAME)], search=NAME)

    with pytest.raises(NotVisible):
        await _projects(wire).drop(_project())


def _projects(wire: Wire, **like: Any) -> NeonProjects:
    configured = {**project("quiet-sea-1", "the operator's"), **like}
    return NeonProjects(wire.client, Project.model_validate(configured))


def _project() -> Project:
    return Project.model_validate(project("quiet-sea-1", NAME, MOMENT))


async def _named(wire: Wire, **like: Any) -> list[str]:
    return [found.id for found in await _projects(wire, **like).named(MARK)]


def _page(wire: Wire, projects: list[Any], cursor: str = "", then: str = "", **query: str) -> None:
    body = {"projects": projects, "pagination": {"cursor": then} if then else {}}
    wire.on("GET", _query(cursor, **query), payload=body)


def _query(cursor: str = "", **query: str) -> str:
    query = {"limit": "400", "search": MARK, **query, **({"cursor": cursor} if cursor else {})}
    return f"/projects?{urlencode(sorted(query.items()))}"
