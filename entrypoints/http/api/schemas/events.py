"""Schemas of server-sent events."""

from datetime import datetime

from entrypoints.http.api.schemas.fields import ResponseBody


class ReadyResponse(ResponseBody):
    """The first event of a stream, with the time of the service."""

    now: datetime
