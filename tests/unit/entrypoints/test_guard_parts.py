"""Which guard there is, and what it goes by."""

from datetime import timedelta

import pytest

from adapters.system.clock import SystemClock
from domain.guard_policy import GuardPolicy
from entrypoints.guard_parts import guard_policy, guard_server
from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings
from tests.support.fake_guard import FakeGuard
from tests.support.looks import look

DAY, HOUR = 86_400.0, 3_600.0


@pytest.mark.parametrize(
    ("provider", "limit", "oldest"),
    [
        (ProviderName.EMBEDDED, None, DAY),
        (ProviderName.EMBEDDED, "1h", HOUR),
        (ProviderName.EMBEDDED, "none", None),
        (ProviderName.POSTGRES, None, None),
        (ProviderName.POSTGRES, "1h", HOUR),
        (ProviderName.POSTGRES, "NONE", None),
    ],
)
def test_the_age_of_transactions_is_limited_by_default_on_the_bundled_server_alone(
    provider: ProviderName, limit: str | None, oldest: float | None
) -> None:
    dsn = "postgresql://admin@db.example/postgres"
    given = {"transaction_limit": limit} if limit else {}
    settings = Settings(_env_file=None, provider=provider, postgres_admin_dsn=dsn, **given)
    assert guard_policy(settings).oldest_transaction == oldest


def test_a_limit_is_a_duration_or_none() -> None:
    assert Settings(_env_file=None, transaction_limit="P1D").transaction_limit == timedelta(days=1)
    with pytest.raises(ValueError, match=r"(?i)transaction_limit"):
        Settings(_env_file=None, transaction_limit="soon")


def test_without_a_guard_there_is_none_to_ask() -> None:
    assert guard_server(None, GuardPolicy(), SystemClock()) is None
    assert guard_server(FakeGuard([look()]), GuardPolicy(), SystemClock()) is not None
