"""Errors and headers that several routes share."""

from domain.errors import (
    DatabaseNotFound,
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
    RequestReused,
    SecretUnknown,
    StaleRecord,
    Unavailable,
)
from entrypoints.http.api.headers import VERIFIED

VENDING = (
    InvalidNickname,
    RequestReused,
    NameTaken,
    InFlight,
    IllegalTransition,
    OtherTarget,
    SecretUnknown,
    QuotaReached,
)
REACHING = (DatabaseNotFound, IllegalTransition, InFlight, OtherTarget)
CHANGING = (*REACHING, StaleRecord, PreconditionFailed)
REGISTRY = (Unavailable,)
PROVIDING = (*REGISTRY, ProviderBusy, ProviderLocked, OutcomeUnknown, ProviderRejected)
MAKING = (*PROVIDING, ProviderFull)
"""Errors of creating and finding a database, and of the registry and the provider."""

ETAG = {"ETag": "The version of the record, for If-Match."}
LOCATION = {"Location": "The address of the record."}
WAS_VERIFIED = {VERIFIED: "With `verify=true`: `true` if the login succeeded, else `false`."}
APPLIED = {"Preference-Applied": "`respond-async`."}
