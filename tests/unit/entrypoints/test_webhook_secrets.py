"""The report at start-up on the secrets of webhooks."""

from adapters.memory.webhooks import MemoryWebhookStore
from domain.passwords import PasswordDeriver
from domain.secrets import Secret
from entrypoints.config.secret_checks import report_webhook_secrets
from tests.support.embedded_servers import Events
from tests.support.webhooks import new_webhook

OLD, NEW, LOST = (Secret(letter * 40) for letter in "onl")


async def report(passwords: PasswordDeriver, *created_under: Secret) -> Events:
    store, events = MemoryWebhookStore(), Events()
    for secret in created_under:
        webhook = new_webhook().with_new_secret(PasswordDeriver(secret), "n")
        await store.add(webhook, 100)
    await report_webhook_secrets(store, passwords, events.log)
    return events


async def test_webhooks_of_the_present_secret_are_not_reported() -> None:
    events = await report(PasswordDeriver(NEW), NEW, NEW)

    assert events.names == []


async def test_webhooks_of_previous_and_missing_secrets_are_counted() -> None:
    events = await report(PasswordDeriver(NEW, (OLD,)), NEW, OLD, OLD, LOST)

    (missing,) = events.fields("secret.missing")
    (previous,) = events.fields("secret.previous")
    assert (missing["webhooks"], previous["webhooks"]) == (1, 2)
    assert "pgvend webhook rotate" in str(missing["fix"])
