"""Translation of the driver's errors."""

import asyncpg
import pytest
from asyncpg.exceptions import ClientConfigurationError

from adapters.postgres.errors import ConcurrentChange, translate_errors
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy, ProviderFull, ProviderRejected
from ports.driven.login_check import PasswordRefused

Lost = type[ProviderBusy | OutcomeUnknown]

LEAK = "CREATE ROLE x PASSWORD 'hunter2'"

SQLSTATES: dict[type[PgvendError], list[str]] = {
    ConcurrentChange: ["23505", "42710", "42P04", "40001", "40P01"],
    ProviderFull: ["53100"],
    ProviderBusy: ["53200", "53300", "53400", "55000", "55006", "55P03", "57014", "57P03"],
    PasswordRefused: ["28P01"],
    ProviderRejected: [
        *("28000", "3D000", "42501", "25006", "42601"),
        *("22023", "2BP01", "XX001", "XX000", "ZZZZZ"),
    ],
}

SQLSTATES_SHOWN = {"42601", "22023", "2BP01", "XX001", "XX000", "ZZZZZ"}

LOST_SESSIONS = ["08000", "08003", "08006", "57P01", "57P02", "57P04", "57P05"]

INTERNAL_ERRORS = {
    "tuple concurrently updated": ConcurrentChange,
    "tuple concurrently deleted": ConcurrentChange,
    "could not find tuple for role 16400": ConcurrentChange,
    "cache lookup failed for database 16401": ConcurrentChange,
    "could not open relation": ProviderRejected,
    "Received HTTP code 422 from control plane: databases limit exceeded": ProviderFull,
    "Received HTTP code 422 from control plane: roles limit of 500 exceeded, got 500": ProviderFull,
}

LOCKED = "project already has running conflicting operations"

CONTROL_PLANE = [
    f"Received HTTP code 423 from control plane: {LOCKED}",
    "Received HTTP code 503 from control plane",
    "Received HTTP code 500 from control plane: internal error",
    "Failed to perform curl request: Timeout was reached",
]


def create_server_error(state: str, message: str = LEAK) -> asyncpg.PostgresError:
    """Build the error that asyncpg raises for the server's message."""
    error = asyncpg.PostgresError.new({"S": "ERROR", "V": "ERROR", "C": state, "M": message})
    assert isinstance(error, asyncpg.PostgresError)
    return error


CONNECTION_ERRORS: list[Exception] = [
    OSError("refused by 10.0.0.1"),
    ConnectionResetError(),
    TimeoutError(),
    asyncpg.InterfaceError("the connection is closed"),
    asyncpg.InternalClientError("got result for unknown protocol state"),
    *map(create_server_error, LOST_SESSIONS),
    *(create_server_error("XX000", message) for message in CONTROL_PLANE),
]


def translate(error: BaseException, lost: Lost = OutcomeUnknown) -> PgvendError:
    with pytest.raises(PgvendError) as caught, translate_errors(lost):
        raise error
    return caught.value


PGBOUNCERS = {
    "SASL authentication failed": PasswordRefused,
    "no such user": PasswordRefused,
    "server login has been failing, cached error: password authentication failed": ProviderBusy,
}


@pytest.mark.parametrize(("message", "kind"), PGBOUNCERS.items())
def test_pgbouncers_refusal_of_a_password_differs_from_a_server_that_it_cannot_log_in_to(
    message: str, kind: type[PgvendError]
) -> None:
    assert type(translate(create_server_error("08P01", message), ProviderBusy)) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [(state, kind) for kind, states in SQLSTATES.items() for state in states],
)
def test_every_sqlstate_is_translated_without_the_servers_message(
    state: str, kind: type[PgvendError]
) -> None:
    original = create_server_error(state)

    error = translate(original)

    assert type(error) is kind
    assert error.__cause__ is original
    assert LEAK not in str(error)
    assert "hunter2" not in repr(error)
    assert (state in str(error)) is (state in SQLSTATES_SHOWN)


@pytest.mark.parametrize("lost", [ProviderBusy, OutcomeUnknown])
@pytest.mark.parametrize(("message", "kind"), INTERNAL_ERRORS.items())
def test_an_internal_error_is_final_unless_it_is_a_concurrent_change_or_a_limit(
    message: str, kind: type[PgvendError], lost: Lost
) -> None:
    error = translate(create_server_error("XX000", message), lost)
    assert type(error) is kind
    assert "HTTP" not in str(error)


@pytest.mark.parametrize("lost", [ProviderBusy, OutcomeUnknown])
@pytest.mark.parametrize(
    "error", CONNECTION_ERRORS, ids=lambda error: f"{type(error).__name__} {error}"
)
def test_a_broken_connection_raises_the_callers_error(error: Exception, lost: Lost) -> None:
    outcome = translate(error, lost)
    assert type(outcome) is lost
    assert outcome.__cause__ is error
    assert "HTTP" not in str(outcome)
    assert "hunter2" not in f"{outcome} {outcome!r}"


def test_a_concurrent_change_is_transient() -> None:
    assert issubclass(ConcurrentChange, ProviderBusy)
    assert ConcurrentChange.code == ProviderBusy.code


@pytest.mark.parametrize("error", [ProviderFull("ours"), ValueError("a bug"), KeyboardInterrupt()])
def test_other_errors_pass_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, translate_errors(OutcomeUnknown):
        raise error
    assert caught.value is error


def test_an_invalid_url_is_final_and_not_quoted() -> None:
    error = translate(ClientConfigurationError("bad sslmode in postgresql://a:secret@h/d"))
    assert type(error) is ProviderRejected
    assert "secret" not in str(error)
    assert error.__cause__ is None
