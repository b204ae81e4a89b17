"""The types of events that webhooks get."""

from enum import StrEnum


class EventType(StrEnum):
    """An event in the life of a database."""

    CREATED = "database.created"
    EXPIRING = "database.expiring"
    EXPIRED = "database.expired"
    RESTORED = "database.restored"
    DELETED = "database.deleted"
    FAILED = "database.failed"
    OVER_SIZE = "database.over_size"


TEST_TYPE = "webhook.test"
"""The type of a test message."""
