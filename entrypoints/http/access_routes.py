"""The calls about keys, and about who did what."""

from domain import keys as domain_keys
from domain.caller import Scope
from domain.errors import (
    InvalidDuration,
    InvalidPageToken,
    InvalidRequest,
    KeyNotFound,
    Unavailable,
)
from entrypoints.http import access
from entrypoints.http import parameters as given
from entrypoints.http.access_schemas import AuditOut, KeyBody, KeyOut, KeysOut, NewKeyOut
from entrypoints.http.route import Answer, Parameter, Route, Tag

KEY_ID = Parameter(
    place="path",
    name="id",
    schema={"type": "string", "pattern": f"^{domain_keys.ID.pattern}$"},
    description="How the key begins.",
    required=True,
)
OF_CALLER = Parameter(
    place="query",
    name="caller",
    schema={"type": "string"},
    description="Only what this caller did.",
)
ON_SUBJECT = Parameter(
    place="query",
    name="subject",
    schema={"type": "string"},
    description="Only what was done to the database or key of this id.",
)

ACCESS_ROUTES = (
    Route(
        method="POST",
        path="/v1/keys",
        handler=access.create_key,
        scope=Scope.ADMIN,
        name="createKey",
        tag=Tag.KEYS,
        summary="A new key, which is told this once",
        description=(
            "The answer is the only one that holds the key: only a digest is kept. A key with "
            "`origins` is for web pages and can only create."
        ),
        body=KeyBody,
        answers=(Answer(status=201, description="The key.", body=NewKeyOut),),
        errors=(InvalidDuration, Unavailable),
    ),
    Route(
        method="GET",
        path="/v1/keys",
        handler=access.list_keys,
        scope=Scope.ADMIN,
        name="listKeys",
        tag=Tag.KEYS,
        summary="All keys, the newest first, revoked ones too",
        description="Records of keys, without the keys themselves.",
        answers=(Answer(status=200, description="What is kept of them.", body=KeysOut),),
        errors=(InvalidRequest, Unavailable),
    ),
    Route(
        method="DELETE",
        path="/v1/keys/{id}",
        handler=access.revoke_key,
        scope=Scope.ADMIN,
        name="revokeKey",
        tag=Tag.KEYS,
        summary="Make a key useless, at once; may be repeated",
        description=("Whoever shows the key from now on is refused. The caller's databases stay."),
        parameters=(KEY_ID,),
        answers=(Answer(status=200, description="The key, revoked.", body=KeyOut),),
        errors=(KeyNotFound, Unavailable),
    ),
    Route(
        method="GET",
        path="/v1/audit",
        handler=access.audit,
        scope=Scope.ADMIN,
        name="readAudit",
        tag=Tag.AUDIT,
        summary="Who did what, the newest first, page by page",
        description=(
            "One entry for each call that changed something or revealed a password. Follow "
            "`next_page_token` to the next page."
        ),
        parameters=(OF_CALLER, ON_SUBJECT, given.PAGE_TOKEN, given.PAGE_SIZE),
        answers=(Answer(status=200, description="A page of entries.", body=AuditOut),),
        errors=(InvalidRequest, InvalidPageToken, Unavailable),
    ),
)
