"""Who asks: whose databases and whose idempotency keys these are."""

ANYONE = "anyone"
"""The one caller of a service without keys."""
