"""Parameters in the OpenAPI document; handlers parse them by the same patterns and bounds."""

from domain import idempotency, ids, labels, names, webhooks
from entrypoints.formats import FORMATS
from entrypoints.http.api.handlers.event_stream import EVENT_ID
from entrypoints.http.api.headers import ETAG_LIST, IDEMPOTENCY_KEY
from entrypoints.http.api.query_values import DEFAULT_PAGE_SIZE, MAX_COUNT, MAX_PAGE_SIZE
from entrypoints.http.api.routes.route import Parameter
from entrypoints.http.api.schemas.fields import STATE_SCHEMA

Schema = dict[str, object]


def _create_pattern_schema(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


ID = Parameter(
    place="path",
    name="id",
    schema=_create_pattern_schema(ids.ID_PATTERN.pattern),
    description="The id of the database.",
    required=True,
)
HANDLE = Parameter(
    place="path",
    name="id",
    schema={"type": "string", "minLength": 1, "maxLength": names.MAX_NICKNAME},
    description="The id, the database's name or the nickname of the database. A name stands for "
    "the only one of your databases that is not gone and has it: first as the database's name, "
    "then as the nickname.",
    required=True,
)
WEBHOOK_ID_SCHEMA = _create_pattern_schema(
    ids.ID_PATTERN.pattern.replace(ids.PREFIX, webhooks.PREFIX)
)
IDEMPOTENCY = Parameter(
    place="header",
    name=IDEMPOTENCY_KEY,
    schema=_create_pattern_schema(idempotency.KEY_PATTERN.pattern),
    description="Makes the request safe to retry: for 24 hours, the same key and body return the "
    "same database. A request with `on_conflict: reuse` is safe to retry without one.",
)
PREFER = Parameter(
    place="header",
    name="Prefer",
    schema={"type": "string", "examples": ["respond-async"]},
    description="`respond-async`: answer at once and create the database in the background.",
)
IF_MATCH = Parameter(
    place="header",
    name="If-Match",
    schema=_create_pattern_schema(rf"\*|{ETAG_LIST.pattern}") | {"examples": ['"3"', "*"]},
    description="ETags: change the record only if it has one of these versions.",
)
LAST_EVENT = Parameter(
    place="header",
    name="Last-Event-ID",
    schema=_create_pattern_schema(f"|{EVENT_ID.pattern}"),
    description="The last event that was received; browsers send it automatically.",
)
FORMAT = Parameter(
    place="query",
    name="format",
    schema={"type": "string", "enum": list(FORMATS)},
    description="The format of the connection; the default depends on `Accept`.",
)
VERIFY = Parameter(
    place="query",
    name="verify",
    schema={"type": "boolean"},
    description="Check the login; 409 `password_changed` if the owner changed the password.",
)
SIZE = Parameter(
    place="query",
    name="size",
    schema={"type": "boolean"},
    description="Add the `size` of databases on disk, which takes longer.",
)
PAGE_TOKEN = Parameter(
    place="query",
    name="page_token",
    schema={"type": "string"},
    description="The `next_page_token` of the previous page.",
)
PAGE_SIZE = Parameter(
    place="query",
    name="page_size",
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_PAGE_SIZE,
    },
    description=f"Number of items per page; the default is {DEFAULT_PAGE_SIZE}.",
)
LABEL_SCHEMA: Schema = {
    "type": "array",
    "items": _create_pattern_schema(f"{labels.KEY_PATTERN.pattern}={labels.VALUE_PATTERN.pattern}"),
    "maxItems": labels.MAX_LABELS,
    "uniqueItems": True,
}
LIST_PARAMETERS = (
    Parameter(
        place="query",
        name="state",
        schema={"type": "array", "items": STATE_SCHEMA},
        description="Only databases in these states; by default all but `failed` and `deleted`.",
    ),
    Parameter(
        place="query",
        name="label",
        schema=LABEL_SCHEMA,
        description="`key=value`: only databases with all of these labels.",
    ),
    Parameter(
        place="query",
        name="nickname",
        schema={"type": "string"},
        description="Only databases with exactly this nickname.",
    ),
    SIZE,
    PAGE_TOKEN,
    PAGE_SIZE,
)
DELETE_PARAMETERS = (
    Parameter(
        place="query",
        name="label",
        schema=LABEL_SCHEMA | {"minItems": 1},
        description="`key=value`: all databases with all of these labels.",
        required=True,
    ),
    Parameter(
        place="query",
        name="count",
        schema={"type": "integer", "minimum": 0, "maximum": MAX_COUNT},
        description="How many databases these are; with another number, nothing is deleted.",
        required=True,
    ),
)
