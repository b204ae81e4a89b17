"""Webhooks: the URLs of receivers, the secrets of signatures, and the events that are wanted."""

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.callers import Caller, Scope
from domain.errors import InvalidRequest, WebhookNotFound
from domain.event_types import EventType
from domain.passwords import PasswordDeriver
from domain.secrets import Secret
from domain.webhooks import MAX_URL, WebhookEvent, derive_signing_secret, validate_url
from tests.support.records import new_record
from tests.support.webhooks import CREATED_AT, new_webhook

PASSWORDS = PasswordDeriver(Secret("s" * 40))


def derive(*names: str, passwords: PasswordDeriver = PASSWORDS) -> str:
    webhook_id, nonce = names
    return derive_signing_secret(passwords, webhook_id, passwords.current, nonce).reveal()


def new_event(caller: str = "ann", **more: object) -> WebhookEvent:
    record = replace(new_record(), caller=caller)
    usual = {"id": "evt_1", "type": EventType.CREATED, "at": CREATED_AT, "database": record}
    return WebhookEvent(**usual | more)  # type: ignore[arg-type]


def test_a_secret_has_the_form_of_standard_webhooks() -> None:
    secret = derive("wh_1", "n")

    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_secrets_differ_by_webhook_nonce_and_service() -> None:
    other = PasswordDeriver(Secret("t" * 40))
    secrets = {
        derive("wh_1", "n"),
        derive("wh_2", "n"),
        derive("wh_1", "m"),
        derive("wh_1", "n", passwords=other),
    }

    assert len(secrets) == 4
    assert derive("wh_1", "n") in secrets


def test_a_secret_survives_a_change_of_the_services_secret_while_the_former_one_is_set() -> None:
    former, new = Secret("s" * 40), Secret("t" * 40)
    webhook = new_webhook().with_new_secret(PASSWORDS, "n")

    def derive_after_change(*previous: Secret) -> Secret:
        passwords = PasswordDeriver(new, previous)
        return derive_signing_secret(passwords, webhook.id, webhook.secret, webhook.nonce)

    assert derive_after_change(former).reveal() == derive(webhook.id, "n")
    assert not derive_after_change().is_known


def test_a_new_secret_comes_from_the_present_secret_of_the_service() -> None:
    webhook = new_webhook().with_new_secret(PASSWORDS, "n")

    assert (webhook.secret, webhook.nonce) == (PASSWORDS.current, "n")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "https://hooks.example:8443/a/b?token=c",
        "https://[2001:db8::1]/",
        "HTTPS://hooks.example/",
    ],
)
def test_the_url_of_a_server_is_accepted(url: str) -> None:
    assert validate_url(url, allows_http=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "https://",
        "https:///path",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example:port/",
        "https://[::1/",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: other",
        "https://hooks.example\\@other/",
        "https://hooks.example\\other/",
        "https://hööks.example/",
        "https://user:password@hooks.example/",
        "https://user@hooks.example/",
        "https://hooks.example/#fragment",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        f"https://hooks.example/{'x' * MAX_URL}",
    ],
)
@pytest.mark.parametrize("allows_http", [True, False])
def test_another_url_is_refused(url: str, allows_http: bool) -> None:
    with pytest.raises(InvalidRequest, match="url must"):
        validate_url(url, allows_http=allows_http)


def test_plain_http_is_refused_unless_allowed() -> None:
    url = "http://hooks.example/"

    assert validate_url(url, allows_http=True) == url
    with pytest.raises(InvalidRequest, match="must begin with https://"):
        validate_url(url, allows_http=False)


def test_a_webhook_gets_the_events_of_its_caller_alone() -> None:
    webhook = new_webhook(caller="ann")

    assert webhook.wants(new_event("ann"))
    assert not webhook.wants(new_event("bob"))
    assert new_webhook(caller="root", sees_all=True).wants(new_event("bob"))


def test_a_webhook_gets_the_events_that_it_asked_for() -> None:
    webhook = new_webhook(events=frozenset({EventType.DELETED}))

    assert not webhook.wants(new_event())
    assert webhook.wants(new_event(type=EventType.DELETED))


def test_a_webhook_gets_the_events_after_its_creation() -> None:
    webhook = new_webhook()

    assert webhook.wants(new_event(at=webhook.created_at))
    assert not webhook.wants(new_event(at=webhook.created_at - timedelta(milliseconds=1)))


def test_a_webhook_is_visible_to_its_caller_and_to_admins() -> None:
    webhook = new_webhook(caller="ann")
    scopes = frozenset({Scope.READ, Scope.MANAGE})

    assert webhook.check_visible_to(Caller(name="ann", scopes=scopes)) is webhook
    admin = Caller(name="root", scopes=frozenset({Scope.ADMIN}))
    assert webhook.check_visible_to(admin) is webhook
    with pytest.raises(WebhookNotFound):
        webhook.check_visible_to(Caller(name="bob", scopes=scopes))
