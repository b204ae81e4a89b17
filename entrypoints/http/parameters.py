"""What callers may say beside the body, for the document: parsed where it is used, by the same
patterns and bounds."""

from domain import identity, labels, request
from domain.states import State
from entrypoints.formats import FORMATS
from entrypoints.http.events import EVENT_ID
from entrypoints.http.headers import IDEMPOTENCY_KEY, TAGS
from entrypoints.http.route import Parameter

LARGEST_PAGE = 200
USUAL_PAGE = 50

Schema = dict[str, object]


def _whole(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


ID = Parameter(
    place="path",
    name="id",
    schema=_whole(identity.SHAPE.pattern),
    description="The database's id.",
    required=True,
)
IDEMPOTENCY = Parameter(
    place="header",
    name=IDEMPOTENCY_KEY,
    schema=_whole(request.KEY.pattern),
    description="For 24 hours the same key and body are the same database.",
)
PREFER = Parameter(
    place="header",
    name="Prefer",
    schema={"type": "string", "examples": ["respond-async"]},
    description="`respond-async`: answer at once, and make it in the background.",
)
IF_MATCH = Parameter(
    place="header",
    name="If-Match",
    schema=_whole(rf"\*|{TAGS.pattern}") | {"examples": ['"3"', "*"]},
    description="ETags: change it only if it still is one of these versions.",
)
LAST_EVENT = Parameter(
    place="header",
    name="Last-Event-ID",
    schema=_whole(f"|{EVENT_ID.pattern}"),
    description="The last event that you have; browsers send it by themselves.",
)
FORMAT = Parameter(
    place="query",
    name="format",
    schema={"type": "string", "enum": list(FORMATS)},
    description="How to write it; without it, what `Accept` wants most.",
)
VERIFY = Parameter(
    place="query",
    name="verify",
    schema={"type": "boolean"},
    description="Log in first: 409 `password_changed` when the owner set another password.",
)
PAGE_TOKEN = Parameter(
    place="query",
    name="page_token",
    schema={"type": "string"},
    description="The `next_page_token` of the page before.",
)
PAGE_SIZE = Parameter(
    place="query",
    name="page_size",
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST_PAGE,
    },
    description=f"So many on a page; {USUAL_PAGE} unless given.",
)
SEARCH = (
    Parameter(
        place="query",
        name="state",
        schema={"type": "array", "items": {"type": "string", "enum": list(State)}},
        description="Only those in one of these states.",
    ),
    Parameter(
        place="query",
        name="label",
        schema={
            "type": "array",
            "items": _whole(f"{labels.KEY.pattern}={labels.VALUE.pattern}"),
            "maxItems": labels.MAX_LABELS,
            "uniqueItems": True,
        },
        description="`key=value`: only those that have all of these labels.",
    ),
    PAGE_TOKEN,
    PAGE_SIZE,
)
