"""Settings of webhooks."""

from datetime import timedelta

from pydantic import BaseModel, Field

from entrypoints.config.field_types import Duration
from entrypoints.config.network import Networks


class WebhookSettings(BaseModel):
    """Settings of the events that are announced to webhooks, and of their receivers."""

    webhook_expiry_notice: Duration = Field(
        timedelta(hours=1),
        validation_alias="PGVEND_WEBHOOK_EXPIRY_NOTICE",
        description="a duration such as 1h or 2d: the time before the expiry of a database at "
        "which webhooks get `database.expiring`",
    )
    webhook_allow_networks: Networks = Field(
        (),
        validation_alias="PGVEND_WEBHOOK_ALLOW_NETWORKS",
        description="networks such as 10.1.0.0/16, comma separated, where webhooks may have "
        "private addresses and plain HTTP",
    )
    webhook_interval: int = Field(
        2,
        ge=0,
        le=3600,
        validation_alias="PGVEND_WEBHOOK_INTERVAL",
        description="the number of seconds, up to 3600, between searches for events to announce; "
        "0 leaves webhooks to other replicas",
    )
