"""`/users` and `/regions`: the account and the region."""

from aiohttp import web

from entrypoints.neon_emulator.api.middleware import EMULATOR
from entrypoints.neon_emulator.api.requests import parse_page_size
from entrypoints.neon_emulator.api.responses import OWNER_ID, PLAN, Json, format_time, json_response
from entrypoints.neon_emulator.state.project import REGION, Project

EMAIL = "emulated@example.com"


async def show_user(request: web.Request) -> web.Response:
    return json_response(
        {
            "id": OWNER_ID,
            "email": EMAIL,
            "login": OWNER_ID,
            "name": "Emulated",
            "last_name": "Owner",
            "image": "",
            "auth_accounts": [],
            "projects_limit": request.app[EMULATOR].behaviour.projects_limit,
            "branches_limit": 1,
            "max_autoscaling_limit": 0.25,
            "active_seconds_limit": 0,
            "plan": PLAN,
            "billing_account": _billing_account(request.app[EMULATOR].first),
        }
    )


async def list_organizations(_: web.Request) -> web.Response:
    """List no organizations: the account is personal and needs no `org_id`."""
    return json_response({"organizations": []})


async def list_shared_projects(request: web.Request) -> web.Response:
    parse_page_size(request, request.app[EMULATOR].behaviour.page_size)
    return json_response({"projects": []})


async def list_regions(_: web.Request) -> web.Response:
    region = {
        "region_id": REGION,
        "name": "This machine",
        "default": True,
        "geo_lat": "0",
        "geo_long": "0",
    }
    return json_response({"regions": [region]})


def _billing_account(first: Project) -> Json:
    """Render the billing account: optional in Neon's API, but required by its Python client."""
    address = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "state": "active",
        "payment_source": {"type": ""},
        "subscription_type": PLAN,
        "payment_method": "none",
        "quota_reset_at_last": format_time(first.created_at),
        "name": "Emulated Owner",
        "email": EMAIL,
        **{f"address_{part}": "" for part in address},
    }
