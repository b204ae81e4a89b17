"""The account's projects: pages of lists, creation and deletion."""

from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.neon.api_models import Project
from adapters.neon.errors import NotVisible
from adapters.neon.projects import NeonProjects
from domain.errors import ProviderBusy, ProviderRejected
from domain.names import Nickname
from tests.unit.adapters.neon.conftest import MOMENT, PROJECT, Wire, project

MARK = "pgvend:testing:"
NAME = f"{MARK}db_1 shop user_shop"
VISIBLE = {"payload": {"project": project("quiet-sea-1", "mine")}}


PROJECTS = {
    **{name: project(name, NAME) for name in ("p-1", "p-2", "p-3")},
    "newer": project("newer", NAME, "2026-01-02T03:04:06Z"),
    "copy": project("copy", f"copy of {NAME}"),
}

Page = tuple[str, list[str], str]
"""The cursor of the page, its projects, and the cursor of the next page."""

FIRST = ("", ["p-1"], "c-1")

PAGES: dict[str, tuple[list[Page], list[str]]] = {
    "one without a cursor": ([("", ["p-1"], "")], ["p-1"]),
    "an empty last one": ([FIRST, ("c-1", ["p-2"], "c-2"), ("c-2", [], "c-3")], ["p-1", "p-2"]),
    "one that leads to itself": ([FIRST, ("c-1", ["p-1"], "c-1")], ["p-1"]),
    "a circle": ([FIRST, ("c-1", ["p-2"], "c-2"), ("c-2", ["p-1"], "c-1")], ["p-1", "p-2"]),
    "a mark elsewhere in a name": ([("", ["copy", "p-2"], "")], ["p-2"]),
    "the oldest first": (
        [("", ["newer", "p-3"], "c-1"), ("c-1", ["p-2"], "")],
        ["p-2", "p-3", "newer"],
    ),
}


@pytest.mark.parametrize(("pages", "expected"), PAGES.values(), ids=list(PAGES))
async def test_our_projects_are_listed_from_all_pages(
    wire: Wire, pages: list[Page], expected: list[str]
) -> None:
    for cursor, ids, then in pages:
        _add_page(wire, [PROJECTS[name] for name in ids], cursor, then)
    assert await _list_ids(wire) == expected


async def test_a_page_without_a_cursor_is_the_last(wire: Wire) -> None:
    wire.respond("GET", _build_query(), payload={"projects": [project("p-1", NAME)]})
    assert await _list_ids(wire) == ["p-1"]


async def test_a_failed_page_is_an_error_and_not_the_end(wire: Wire) -> None:
    _add_page(wire, [project("p-1", NAME)], then="c-1")
    wire.respond("GET", _build_query("c-1"), status=503)
    with pytest.raises(ProviderBusy):
        await _list_ids(wire)


async def test_the_search_is_limited_to_the_configured_organization(wire: Wire) -> None:
    _add_page(wire, [project("p-1", NAME)], org_id="org-1")
    assert await _list_ids(wire, org_id="org-1") == ["p-1"]


async def test_a_new_project_has_the_configured_region_version_and_organization(wire: Wire) -> None:
    answer = {"project": project("p-1", NAME), "branch": {"id": "br-1"}, "operations": []}
    wire.respond("POST", "/projects", status=201, payload=answer)
    like = {"region_id": "aws-us-east-2", "pg_version": 17, "org_id": "org-1"}

    await _create_projects(wire, **like).create(NAME, Nickname("Shop").derive_names())

    wanted = wire.list_requests("POST")[0]["json"]["project"]
    assert wanted.items() >= {"name": NAME, **like}.items()
    assert wanted["branch"] == {"database_name": "shop", "role_name": "user_shop"}


async def test_the_default_branch_is_known_by_its_flag(wire: Wire) -> None:
    branches = [
        {"id": "br-1", "name": "main", "primary": True, "default": False},
        {"id": "br-2", "name": "trunk", "primary": False, "default": True},
    ]
    wire.respond("GET", f"{PROJECT}/branches", payload={"branches": branches})
    assert await _create_projects(wire).find_default_branch(_create_project()) == "br-2"


async def test_a_project_without_a_default_branch_is_refused(wire: Wire) -> None:
    wire.respond("GET", f"{PROJECT}/branches", payload={"branches": [{"id": "br-1"}]})
    with pytest.raises(ProviderRejected):
        await _create_projects(wire).find_default_branch(_create_project())


NOT_DELETED: dict[str, tuple[int, dict[str, Any], list[Any]]] = {
    "a key that sees nothing": (404, {"status": 404}, []),
    "a project that still exists": (404, VISIBLE, [project("quiet-sea-1", NAME)]),
    "a key that may not delete": (403, VISIBLE, [project("quiet-sea-1", NAME)]),
}


async def test_deleting_a_missing_project_succeeds(wire: Wire) -> None:
    await _delete(wire, 404, VISIBLE, [])
    assert wire.count("DELETE", PROJECT) == 1


@pytest.mark.parametrize(("status", "own", "listed"), NOT_DELETED.values(), ids=list(NOT_DELETED))
async def test_deleting_a_project_that_may_exist_fails(
    wire: Wire, status: int, own: dict[str, Any], listed: list[Any]
) -> None:
    with pytest.raises(NotVisible):
        await _delete(wire, status, own, listed)


async def _delete(wire: Wire, status: int, own: dict[str, Any], listed: list[Any]) -> None:
    """Delete a project: `status` is the response, `own` that for the configured project."""
    wire.respond("DELETE", PROJECT, status=status)
    wire.respond("GET", PROJECT, **own)
    _add_page(wire, listed, search=NAME)
    await _create_projects(wire).delete(_create_project())


def _create_projects(wire: Wire, **like: Any) -> NeonProjects:
    configured = {**project("quiet-sea-1", "configured"), **like}
    return NeonProjects(wire.client, Project.model_validate(configured))


def _create_project() -> Project:
    return Project.model_validate(project("quiet-sea-1", NAME, MOMENT))


async def _list_ids(wire: Wire, **like: Any) -> list[str]:
    return [found.id for found in await _create_projects(wire, **like).find_by_prefix(MARK)]


def _add_page(
    wire: Wire, projects: list[Any], cursor: str = "", then: str = "", **query: str
) -> None:
    body = {"projects": projects, "pagination": {"cursor": then} if then else {}}
    wire.respond("GET", _build_query(cursor, **query), payload=body)


def _build_query(cursor: str = "", **query: str) -> str:
    query = {"limit": "400", "search": MARK, **query, **({"cursor": cursor} if cursor else {})}
    return f"/projects?{urlencode(sorted(query.items()))}"
