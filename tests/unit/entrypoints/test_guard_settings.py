"""The settings of the guard."""

from datetime import timedelta

import pytest

from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings

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
def test_only_the_bundled_server_limits_the_age_of_transactions_by_default(
    provider: ProviderName, limit: str | None, oldest: float | None
) -> None:
    dsn = "postgresql://admin@db.example/postgres"
    given = {"transaction_limit": limit} if limit else {}
    settings = Settings(_env_file=None, provider=provider, postgres_admin_dsn=dsn, **given)
    assert settings.guard_policy.oldest_transaction == oldest


def test_the_limit_is_a_duration_or_none() -> None:
    assert Settings(_env_file=None, transaction_limit="P1D").transaction_limit == timedelta(days=1)
    with pytest.raises(ValueError, match=r"(?i)transaction_limit"):
        Settings(_env_file=None, transaction_limit="soon")
