"""Errors and headers that several routes share."""

from domain.errors import (
    AmbiguousName,
    CopyUnsupported,
    DatabaseNotFound,
    IdempotencyKeyReused,
    IllegalTransition,
    InFlight,
    InvalidNickname,
    NameTaken,
    OtherTarget,
    OutcomeUnknown,
    PreconditionFailed,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    QuotaReached,
    SecretUnknown,
    SourceInUse,
    StaleRecord,
    Unavailable,
)
from entrypoints.http.api.headers import VERIFIED

CREATE_ERRORS = (
    InvalidNickname,
    IdempotencyKeyReused,
    NameTaken,
    InFlight,
    IllegalTransition,
    OtherTarget,
    SecretUnknown,
    QuotaReached,
)
COPY_ERRORS = (CopyUnsupported, SourceInUse, AmbiguousName)
FIND_ERRORS = (DatabaseNotFound, AmbiguousName)
LOOKUP_ERRORS = (*FIND_ERRORS, IllegalTransition, InFlight, OtherTarget)
CHANGE_ERRORS = (*LOOKUP_ERRORS, StaleRecord, PreconditionFailed)
REGISTRY_ERRORS = (Unavailable,)
PROVIDER_ERRORS = (*REGISTRY_ERRORS, ProviderBusy, ProviderLocked, OutcomeUnknown, ProviderRejected)
PROVISION_ERRORS = (*PROVIDER_ERRORS, ProviderFull)
"""Errors of creating, copying and finding a database, and of the registry and the provider."""

ETAG_HEADER = {"ETag": "The version of the record, for If-Match."}
LOCATION_HEADER = {"Location": "The address of the record."}
VERIFIED_HEADER = {VERIFIED: "With `verify=true`: `true` if the login succeeded, else `false`."}
PREFERENCE_HEADER = {"Preference-Applied": "`respond-async`."}
