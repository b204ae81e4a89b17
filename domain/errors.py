"""All errors of pgvend, grouped by the caller's next step.

PgvendError
├── InvalidRequest             change the request
│   ├── InvalidNickname, InvalidDuration, InvalidExpiry, InvalidLabels, InvalidPageToken
│   └── ExtensionUnavailable, IdempotencyKeyReused, CopyUnsupported
├── Unauthenticated            send an API key
│   └── KeyRefused, InvalidCode
├── Forbidden                  use another API key
├── QuotaReached               delete a database first
├── DatabaseNotFound           it does not exist, or belongs to another caller
│   └── TemplateNotFound
├── KeyNotFound
├── WebhookNotFound
├── Conflict                   read the current state before you repeat the request
│   ├── NameTaken, StaleRecord, PreconditionFailed, IllegalTransition, OtherTarget
│   ├── SecretUnknown, PasswordChanged, RequestAlreadyRecorded
│   ├── SourceInUse, OtherSource, AmbiguousName, CountMismatch, SpareBroken, TooManyWebhooks
│   └── InFlight               repeat the same request soon
├── Unavailable                repeat the same request later
│   ├── RateLimited            nothing was changed: too many requests
│   ├── ProviderBusy           nothing was changed
│   │   └── ProviderLocked     nothing was changed: another operation locks the project
│   ├── OutcomeUnknown         the change may have been made: repeat the request, it is idempotent
│   └── ProviderFull           nothing was changed: no capacity until something is deleted
├── ProviderRejected           final: the operator has to act
├── ExportFailed               the database is kept for some time: the operator has to act
├── DeliveryFailed             change the receiver of the webhook
├── UninstallFailed            something stays on the machine; the message says what to do
└── StartupError               the service cannot start; the message says how to fix it

The message of an error is for the caller: it names the object and says what to do. It never
contains a secret or a provider's own message.
"""


class PgvendError(Exception):
    """pgvend could not complete the request."""

    code = "error"
    retryable = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidRequest(PgvendError):
    """The request is not valid: correct it before you send it again."""

    code = "invalid_request"


class InvalidNickname(InvalidRequest):
    """The nickname contains no letter or digit to form a database name: add one."""

    code = "invalid_nickname"


class InvalidDuration(InvalidRequest):
    """The duration is not valid, or is outside the allowed range."""

    code = "invalid_duration"


class InvalidExpiry(InvalidRequest):
    """The time at which the database is to expire is out of bounds."""

    code = "invalid_expiry"


class InvalidLabels(InvalidRequest):
    """The labels are too many or too long, or contain characters that are not allowed."""

    code = "invalid_labels"


class InvalidPageToken(InvalidRequest):
    """This service did not issue the page token: list again without a page token."""

    code = "invalid_page_token"


class ExtensionUnavailable(InvalidRequest):
    """The server cannot install a requested extension."""

    code = "extension_unavailable"


class CopyUnsupported(InvalidRequest):
    """This provider cannot copy databases: create an empty one."""

    code = "copy_unsupported"


class IdempotencyKeyReused(InvalidRequest):
    """The idempotency key was used for a different request: use a new key."""

    code = "idempotency_key_reused"


class Unauthenticated(PgvendError):
    """Authentication required: send Authorization: Bearer <key>."""

    code = "unauthenticated"


class KeyRefused(Unauthenticated):
    """The API key is invalid."""

    code = "key_refused"


class InvalidCode(Unauthenticated):
    """The one-time code is wrong, used or too old: use the API key itself."""

    code = "invalid_code"


class Forbidden(PgvendError):
    """The API key does not allow this request."""

    code = "forbidden"


class QuotaReached(PgvendError):
    """The API key has reached its quota of databases: delete one to create another."""

    code = "quota_reached"

    def __init__(self, message: str = "", *, quota: int = 0) -> None:
        super().__init__(message)
        self.quota = quota


class KeyNotFound(PgvendError):
    """The API key does not exist."""

    code = "key_not_found"


class WebhookNotFound(PgvendError):
    """The webhook does not exist."""

    code = "webhook_not_found"


class DatabaseNotFound(PgvendError):
    """The database does not exist."""

    code = "database_not_found"


class TemplateNotFound(DatabaseNotFound):
    """The template does not exist."""

    code = "template_not_found"


class Conflict(PgvendError):
    """The request conflicts with the current state: read the state before you repeat it."""

    code = "conflict"


class NameTaken(Conflict):
    """A database or role with this name already exists."""

    code = "name_taken"


class StaleRecord(Conflict):
    """The record was changed by another request: read it again."""

    code = "stale_record"


class PreconditionFailed(Conflict):
    """The database has changed since the version in the request."""

    code = "precondition_failed"


class IllegalTransition(Conflict):
    """The database's state does not allow this operation."""

    code = "illegal_state"


class OtherTarget(Conflict):
    """The database is on another target than the one this service uses."""

    code = "other_target"


class SecretUnknown(Conflict):
    """The password's secret is not configured: rotate, or set PGVEND_SECRET_PREVIOUS."""

    code = "secret_unknown"


class PasswordChanged(Conflict):
    """The owner's password was changed outside pgvend: rotate it to get a new one."""

    code = "password_changed"


class RequestAlreadyRecorded(Conflict):
    """A request with the same idempotency key is already recorded."""

    code = "request_already_recorded"


class SourceInUse(Conflict):
    """Sessions are open in the database to copy: end them, or send end_sessions: true."""

    code = "source_in_use"


class OtherSource(Conflict):
    """The database of this nickname is a copy of another source than the request names."""

    code = "other_source"


class AmbiguousName(Conflict):
    """Several of your databases have this name: use an id."""

    code = "ambiguous_name"


class CountMismatch(Conflict):
    """Another number of databases matches than the request names: nothing was deleted."""

    code = "count_mismatch"


class SpareBroken(Conflict):
    """The spare is not complete on the provider: provision a database of its id."""

    code = "spare_broken"


class TooManyWebhooks(Conflict):
    """You have as many webhooks as a caller can have: delete one to create another."""

    code = "too_many_webhooks"


class InFlight(Conflict):
    """Another operation on this database is in progress: repeat the request soon."""

    code = "in_flight"
    retryable = True


class Unavailable(PgvendError):
    """The service is temporarily unavailable: repeat the same request later."""

    code = "unavailable"
    retryable = True

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds, None if the provider gave no time."""
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """Too many requests."""

    code = "rate_limited"

    def __init__(
        self, message: str = "", *, amount: int = 0, seconds: int = 0, retry_after: float = 0
    ) -> None:
        """The rate is `amount` requests in `seconds` seconds."""
        super().__init__(message, retry_after=retry_after)
        self.amount = amount
        self.seconds = seconds


class ProviderBusy(Unavailable):
    """The provider cannot accept the request now, and nothing was changed: repeat it later."""

    code = "provider_busy"


class ProviderLocked(ProviderBusy):
    """Another operation locks the project, and nothing was changed: repeat the request later."""

    code = "provider_locked"


class OutcomeUnknown(Unavailable):
    """The provider's answer was lost, and the change may have been made: repeat the request."""

    code = "outcome_unknown"


class ProviderFull(Unavailable):
    """The provider has no capacity for another database."""

    code = "provider_full"


class ProviderRejected(PgvendError):
    """The provider rejects the request and would reject it again: ask the operator."""

    code = "provider_rejected"


class ExportFailed(PgvendError):
    """The database could not be dumped."""

    code = "export_failed"


class DeliveryFailed(PgvendError):
    """The receiver of the webhook did not accept the message."""

    code = "delivery_failed"

    def __init__(
        self,
        message: str = "",
        *,
        retryable: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`retryable` means that another attempt can succeed. `status` is that of the receiver's
        response, None without one; `retry_after` is in seconds, None if it gave no time."""
        super().__init__(message)
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after


class UninstallFailed(PgvendError):
    """Something of pgvend stays on this machine."""

    code = "uninstall_failed"


class StartupError(PgvendError):
    """The service cannot start."""

    code = "startup_failed"
