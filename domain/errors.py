"""Every error of pgvend, grouped by what the caller may do next.

PgvendError
├── InvalidRequest             change the request
│   ├── InvalidNickname
│   ├── InvalidDuration
│   ├── InvalidExpiry
│   ├── InvalidLabels
│   ├── InvalidPageToken
│   ├── ExtensionUnavailable
│   └── RequestReused
├── Unauthenticated            show a key
│   └── KeyRefused
├── Forbidden                  take another key
├── QuotaReached               free something first
├── DatabaseNotFound           it is not there, or not yours
├── KeyNotFound
├── Conflict                   look again before you repeat
│   ├── NameTaken
│   ├── StaleRecord
│   ├── PreconditionFailed
│   ├── IllegalTransition
│   ├── OtherTarget
│   ├── SecretUnknown
│   ├── PasswordChanged
│   ├── RequestKnown
│   └── InFlight               repeat it soon, unchanged
├── Unavailable                repeat later, unchanged
│   ├── RateLimited            nothing happened: too many requests
│   ├── ProviderBusy           nothing happened
│   │   └── ProviderLocked     nothing happened: somebody else is at work there
│   ├── OutcomeUnknown         it may have happened: repeat, and it converges
│   └── ProviderFull           nothing happened, and nothing will until something is freed
├── ProviderRejected           final: the operator has to act
└── StartupError               the service cannot start; the message holds the mend

The message of an error is meant for the caller: it names the thing and the mend, and it never
holds a secret or a provider's own words.
"""


class PgvendError(Exception):
    """Something went wrong in a way that pgvend knows."""

    code = "error"
    retryable = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidRequest(PgvendError):
    """The request cannot be understood as it stands."""

    code = "invalid_request"


class InvalidNickname(InvalidRequest):
    """The nickname leaves nothing to name a database by."""

    code = "invalid_nickname"


class InvalidDuration(InvalidRequest):
    """The duration is not one, or is out of bounds."""

    code = "invalid_duration"


class InvalidExpiry(InvalidRequest):
    """The time at which the database is to expire is out of bounds."""

    code = "invalid_expiry"


class InvalidLabels(InvalidRequest):
    """The labels are too many, too long, or hold characters that labels may not hold."""

    code = "invalid_labels"


class InvalidPageToken(InvalidRequest):
    """The page token was not issued by this service: start again without one."""

    code = "invalid_page_token"


class ExtensionUnavailable(InvalidRequest):
    """The server cannot install an extension that was asked for."""

    code = "extension_unavailable"


class RequestReused(InvalidRequest):
    """The idempotency key was used for something else before: take a new one."""

    code = "idempotency_key_reused"


class Unauthenticated(PgvendError):
    """Nobody asks without a key here: send Authorization: Bearer <key>."""

    code = "unauthenticated"


class KeyRefused(Unauthenticated):
    """The key that was shown is none."""

    code = "key_refused"


class Forbidden(PgvendError):
    """The key that was shown does not allow that."""

    code = "forbidden"


class QuotaReached(PgvendError):
    """You have as many databases as your key allows: delete one to make room for another."""

    code = "quota_reached"

    def __init__(self, message: str = "", *, quota: int = 0) -> None:
        super().__init__(message)
        self.quota = quota


class KeyNotFound(PgvendError):
    """There is no such key."""

    code = "key_not_found"


class DatabaseNotFound(PgvendError):
    """There is no such database."""

    code = "database_not_found"


class Conflict(PgvendError):
    """The request does not fit what is there: look again before repeating it."""

    code = "conflict"


class NameTaken(Conflict):
    """A database or a role of that name exists already."""

    code = "name_taken"


class StaleRecord(Conflict):
    """Somebody else changed the record in the meantime."""

    code = "stale_record"


class PreconditionFailed(Conflict):
    """The database is no longer as the request says that it is."""

    code = "precondition_failed"


class IllegalTransition(Conflict):
    """The database's state does not allow that."""

    code = "illegal_state"


class OtherTarget(Conflict):
    """The database is in another place than the one that the service works on."""

    code = "other_target"


class SecretUnknown(Conflict):
    """The secret behind the password is not known here: rotate, or set PGVEND_SECRET_PREVIOUS."""

    code = "secret_unknown"


class PasswordChanged(Conflict):
    """The owner's password is not the one that pgvend set: rotate it to get a new one."""

    code = "password_changed"


class RequestKnown(Conflict):
    """A request with the same idempotency key has been recorded already."""

    code = "request_known"


class InFlight(Conflict):
    """Something is being done for this database right now."""

    code = "in_flight"
    retryable = True


class Unavailable(PgvendError):
    """Not now: repeat the request later, unchanged."""

    code = "unavailable"
    retryable = True

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds, None when the other side did not say."""
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """Too many requests."""

    code = "rate_limited"

    def __init__(
        self, message: str = "", *, amount: int = 0, seconds: int = 0, retry_after: float = 0
    ) -> None:
        """The rate is of so many requests in so many seconds."""
        super().__init__(message, retry_after=retry_after)
        self.amount = amount
        self.seconds = seconds


class ProviderBusy(Unavailable):
    """The provider cannot take this now, and nothing has happened."""

    code = "provider_busy"


class ProviderLocked(ProviderBusy):
    """Somebody else is at work where this would have to be done, and nothing has happened."""

    code = "provider_locked"


class OutcomeUnknown(Unavailable):
    """The provider's answer was lost: it may or may not have happened."""

    code = "outcome_unknown"


class ProviderFull(Unavailable):
    """The provider has no room for another database."""

    code = "provider_full"


class ProviderRejected(PgvendError):
    """The provider refuses, and would refuse again."""

    code = "provider_rejected"


class StartupError(PgvendError):
    """The service cannot start."""

    code = "startup_failed"
