"""Schemas of webhooks, and of the messages that they get."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from domain.event_types import TEST_TYPE, EventType
from domain.secrets import Secret
from domain.webhooks import (
    MAX_URL,
    DeliverySummary,
    Webhook,
    WebhookEvent,
)
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.fields import RequestBody, ResponseBody
from ports.use_cases.manage_webhooks import WebhookRequest, WebhookStatus


class CreateWebhookRequest(RequestBody):
    url: Annotated[str, Field(min_length=1, max_length=MAX_URL)] = Field(
        description="The address of the receiver, which begins with `https://`.",
        examples=["https://hooks.example/pgvend"],
    )
    events: Annotated[list[EventType], Field(min_length=1, max_length=len(EventType))] | None = (
        Field(None, description="The events that are sent to it; without this member, all.")
    )
    all_callers: bool = Field(
        False, description="True for events of the databases of all callers; for admins."
    )

    def to_request(self) -> WebhookRequest:
        return WebhookRequest(
            url=self.url, events=frozenset(self.events or EventType), sees_all=self.all_callers
        )


class WebhookResponse(ResponseBody):
    """A webhook: a receiver of events, and the deliveries to it."""

    id: str
    url: str
    events: list[EventType]
    all_callers: bool
    caller: str = Field(description="The caller that created it.")
    created_at: datetime
    waiting: int = Field(description="Deliveries that wait for their next attempt.")
    given_up: int = Field(description="Deliveries that were given up; the newest ones are kept.")
    last_error: str | None = Field(
        description="The error of the newest delivery that is waiting or was given up; null if "
        "none has failed."
    )

    @classmethod
    def from_domain(cls, webhook: Webhook, deliveries: DeliverySummary) -> "WebhookResponse":
        return WebhookResponse(
            id=webhook.id,
            url=webhook.url,
            events=sorted(webhook.events),
            all_callers=webhook.sees_all,
            caller=webhook.caller,
            created_at=webhook.created_at,
            waiting=deliveries.waiting,
            given_up=deliveries.given_up,
            last_error=deliveries.last_error or None,
        )

    @classmethod
    def from_status(cls, status: WebhookStatus) -> "WebhookResponse":
        return cls.from_domain(status.webhook, status.deliveries)


class WebhookWithSecretResponse(WebhookResponse):
    """A webhook with its secret, which is shown only once."""

    secret: str = Field(description="Verifies the signatures of messages (Standard Webhooks).")

    @classmethod
    def with_secret(cls, status: WebhookStatus, secret: Secret) -> Self:
        return cls(**dict(WebhookResponse.from_status(status)), secret=secret.reveal())


class WebhookListResponse(ResponseBody):
    webhooks: list[WebhookResponse]

    @classmethod
    def from_domain(cls, statuses: Iterable[WebhookStatus]) -> Self:
        return cls(webhooks=[WebhookResponse.from_status(status) for status in statuses])


class EventMessageResponse(ResponseBody):
    """The body of a message: an event, and the record of its database when it was announced."""

    type: EventType
    timestamp: datetime = Field(description="The time of the event.")
    data: DatabaseResponse


class TestSubjectResponse(ResponseBody):
    webhook_id: str


class TestMessageResponse(ResponseBody):
    """The body of a test message."""

    type: str = TEST_TYPE
    timestamp: datetime
    data: TestSubjectResponse


def render_event(event: WebhookEvent) -> bytes:
    """Return the body of the message about the event."""
    record = DatabaseResponse.from_domain(event.database)
    message = EventMessageResponse(type=event.type, timestamp=event.at, data=record)
    return message.model_dump_json().encode()


def render_test(webhook: Webhook, now: datetime) -> bytes:
    """Return the body of a test message."""
    subject = TestSubjectResponse(webhook_id=webhook.id)
    return TestMessageResponse(timestamp=now, data=subject).model_dump_json().encode()
