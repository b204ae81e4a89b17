"""What would be without effect is refused, and does not go on as if it had not been said."""

import pytest

from entrypoints.http.route import Route
from entrypoints.http.routes import ROUTES
from tests.support.apps import RunningApp, problem_in

OURS = [route for route in ROUTES if route.path.startswith("/v1/")]


@pytest.mark.parametrize("route", OURS, ids=lambda route: route.name)
async def test_no_call_passes_over_a_query_parameter(app: RunningApp, route: Route) -> None:
    made = await app.vend()
    path = route.path.replace("{id}", made["id"])

    answer = await app.ask(route.method, f"{path}?dry-run=true")

    assert "'dry-run'" in problem_in(answer, 422, "invalid_request")["detail"]
    assert (await app.live())[0]["state"] == "ready"


@pytest.mark.parametrize("query", ["page_size=5&page_size=200", "page_token=&page_token="])
async def test_of_one_value_there_are_no_two(app: RunningApp, query: str) -> None:
    answer = await app.ask("GET", f"/v1/databases?{query}")

    problem_in(answer, 422, "invalid_request")


async def test_no_format_hides_behind_another(app: RunningApp) -> None:
    made = await app.vend()

    answer = await app.ask("GET", f"/v1/databases/{made['id']}/connection?format=json&format=odd")

    problem_in(answer, 422, "invalid_request")


@pytest.mark.parametrize("value", [0, 1, "true", "no", None])
async def test_what_only_looks_like_a_truth_is_none(app: RunningApp, value: object) -> None:
    """A sweep that was meant to be dry would not be."""
    answer = await app.ask("POST", "/v1/sweep", {"dry_run": value})

    problem_in(answer, 422, "invalid_request")


async def test_the_original_route_passes_over_what_it_does_not_know(app: RunningApp) -> None:
    body = {"project": {"name": "Sales", "region": "eu"}, "more": 1}

    answer = await app.ask("POST", "/api/create-neon-db?cache=no", body)

    assert (answer.status, answer.body["database_name"]) == (200, "sales")
