"""Routes of callers: the caller's own key, and the exchange of a code for one."""

from domain.errors import InvalidCode, RateLimited, Unavailable
from entrypoints.http.api.handlers import access
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.schemas.access import (
    ExchangedKeyResponse,
    ExchangeKeyRequest,
    WhoamiResponse,
)

ACCESS_ROUTES = (
    Route(
        method="GET",
        path="/v1/whoami",
        handler=access.show_caller,
        scope=None,
        takes_any_key=True,
        name="whoami",
        tag=Tag.KEYS,
        summary="Show the caller",
        description=(
            "Returns the caller of this request: what its key may do, until when, and how many "
            "databases its quota counts."
        ),
        answers=(Answer(status=200, description="The caller.", body=WhoamiResponse),),
        errors=(Unavailable,),
    ),
    Route(
        method="POST",
        path="/v1/key-exchange",
        handler=access.exchange_key,
        scope=None,
        name=access.EXCHANGE_KEY,
        tag=Tag.KEYS,
        summary="Exchange a code for a key",
        description=(
            "Returns the admin key for the one-time code that `pgvend serve` printed on its "
            "terminal. The code works once, for ten minutes; after five wrong codes it is void. "
            "Needs no key."
        ),
        body=ExchangeKeyRequest,
        answers=(Answer(status=200, description="The key.", body=ExchangedKeyResponse),),
        errors=(InvalidCode, RateLimited),
        reveals=True,
    ),
)
