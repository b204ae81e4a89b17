"""The driver's errors in our words."""

import asyncpg
import pytest
from asyncpg.exceptions import ClientConfigurationError

from adapters.postgres.errors import Raced, translated
from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderRejected,
)

LEAK = "CREATE ROLE x PASSWORD 'hunter2'"

SAID = [
    ("23505", Raced),
    ("42710", Raced),
    ("42P04", Raced),
    ("40001", Raced),
    ("40P01", Raced),
    ("53100", ProviderFull),
    ("53200", ProviderBusy),
    ("53300", ProviderBusy),
    ("53400", ProviderBusy),
    ("55006", ProviderBusy),
    ("55P03", ProviderBusy),
    ("57014", ProviderBusy),
    ("57P03", ProviderBusy),
    ("28000", ProviderRejected),
    ("28P01", ProviderRejected),
    ("3D000", ProviderRejected),
    ("42501", ProviderRejected),
    ("25006", ProviderRejected),
    ("42601", ProviderRejected),
    ("22023", ProviderRejected),
    ("2BP01", ProviderRejected),
    ("XX001", ProviderRejected),
    ("ZZZZZ", ProviderRejected),
]

BROKEN = ["08000", "08003", "08006", "57P01", "57P02", "57P05"]

CONTROL_PLANE = [
    "Received HTTP code 423 from control plane: project already has running conflicting operations",
    "Received HTTP code 503 from control plane",
    "Received HTTP code 500 from control plane: internal error",
    "Failed to perform curl request: Timeout was reached",
]

LIMITS = [
    "Received HTTP code 422 from control plane: databases limit exceeded",
    "Received HTTP code 422 from control plane: branch roles limit of 500 exceeded, got 500",
]

both_meanings = pytest.mark.parametrize("lost", [ProviderBusy, OutcomeUnknown])


def server_error(state: str, message: str = LEAK) -> asyncpg.PostgresError:
    """As asyncpg makes one of what the server sends."""
    error = asyncpg.PostgresError.new({"S": "ERROR", "V": "ERROR", "C": state, "M": message})
    assert isinstance(error, asyncpg.PostgresError)
    return error


def translation(
    error: BaseException, lost: type[ProviderBusy | OutcomeUnknown] = OutcomeUnknown
) -> PgvendError:
    with pytest.raises(PgvendError) as caught, translated(lost):
        raise error
    return caught.value


@pytest.mark.parametrize(("state", "kind"), SAID)
def test_every_sqlstate_has_its_meaning(state: str, kind: type[PgvendError]) -> None:
    assert type(translation(server_error(state))) is kind


@pytest.mark.parametrize("state", BROKEN)
@both_meanings
def test_a_session_that_was_ended_is_a_broken_connection(
    state: str, lost: type[ProviderBusy | OutcomeUnknown]
) -> None:
    assert type(translation(server_error(state), lost)) is lost


@pytest.mark.parametrize(
    "error",
    [
        OSError("refused by 10.0.0.1"),
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
    ],
    ids=lambda error: type(error).__name__,
)
@both_meanings
def test_a_connection_that_broke_means_what_the_caller_says(
    error: Exception, lost: type[ProviderBusy | OutcomeUnknown]
) -> None:
    assert type(translation(error, lost)) is lost


@pytest.mark.parametrize(
    "message",
    [
        "tuple concurrently updated",
        "tuple concurrently deleted",
        "could not find tuple for role 16400",
        "cache lookup failed for database 16401",
    ],
)
def test_two_sessions_on_one_catalog_row_are_a_race(message: str) -> None:
    assert type(translation(server_error("XX000", message))) is Raced


def test_any_other_internal_error_is_final() -> None:
    error = translation(server_error("XX000", "could not open relation"))

    assert type(error) is ProviderRejected


@pytest.mark.parametrize("message", CONTROL_PLANE)
@both_meanings
def test_what_neons_control_plane_did_not_take_means_what_the_caller_says(
    message: str, lost: type[ProviderBusy | OutcomeUnknown]
) -> None:
    error = translation(server_error("XX000", message), lost)

    assert type(error) is lost
    assert "HTTP" not in str(error)


@pytest.mark.parametrize("message", LIMITS)
@both_meanings
def test_a_limit_of_neons_control_plane_leaves_no_room(
    message: str, lost: type[ProviderBusy | OutcomeUnknown]
) -> None:
    error = translation(server_error("XX000", message), lost)

    assert type(error) is ProviderFull
    assert "HTTP" not in str(error)


def test_a_race_is_an_error_that_passes() -> None:
    assert issubclass(Raced, ProviderBusy)
    assert Raced.code == ProviderBusy.code


@pytest.mark.parametrize("state", [*(state for state, _ in SAID), *BROKEN, "XX000"])
def test_the_servers_own_words_are_kept_for_the_log_only(state: str) -> None:
    original = server_error(state)

    error = translation(original)

    assert error.__cause__ is original
    assert LEAK not in str(error)
    assert "hunter2" not in repr(error)


def test_what_is_not_in_the_table_is_told_by_its_number() -> None:
    assert "22023" in str(translation(server_error("22023")))


@pytest.mark.parametrize("error", [ProviderFull("ours"), ValueError("a bug"), KeyboardInterrupt()])
def test_what_is_not_the_drivers_passes_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, translated(OutcomeUnknown):
        raise error

    assert caught.value is error


def test_a_url_that_the_driver_cannot_read_is_final_and_not_quoted() -> None:
    with pytest.raises(ProviderRejected) as caught, translated(lost=OutcomeUnknown):
        raise ClientConfigurationError("bad sslmode in postgresql://a:secret@h/d")

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
