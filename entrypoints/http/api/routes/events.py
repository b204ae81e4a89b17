"""The route of the events of all databases."""

from domain.callers import Scope
from entrypoints.http.api.handlers import database_events
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import REGISTRY_ERRORS

EVENT_ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        handler=database_events.stream_database_events,
        scope=Scope.READ,
        name="watchDatabases",
        tag=Tag.DATABASES,
        summary="Watch all databases",
        description=(
            "Streams the record of each database of yours, or of all databases for an admin, as a "
            "server-sent event when it changes. List the databases after the event `ready`, and "
            "again after each reconnection: then you miss no change. The stream ends when the key "
            "is revoked, after half an hour, or if you read too slowly."
        ),
        answers=(
            Answer(
                status=200,
                description=(
                    "First `ready` with the time of the service as `now`, then `database` with the "
                    "record after each change, deletions and failures included. Changes in quick "
                    "succession are one event."
                ),
                body={"text/event-stream": None},
            ),
        ),
        errors=REGISTRY_ERRORS,
    ),
)
