"""`/v1/sweep`."""

import structlog
from aiohttp import web

from entrypoints.http.bodies import body_as, json_response
from entrypoints.http.keys import USE_CASES
from entrypoints.http.sweep_schemas import FindingOut, SweepBody, SweptOut


async def sweep(request: web.Request) -> web.Response:
    body = await body_as(SweepBody, request, optional=True)
    findings = await request.app[USE_CASES].sweep(dry_run=body.dry_run)
    for crashed in (finding for finding in findings if finding.crash):
        structlog.get_logger().error(
            f"sweep.{crashed.action}", id=crashed.id, exc_info=crashed.crash
        )
    return json_response(SweptOut(findings=[FindingOut.of(finding) for finding in findings]))
