"""Traces by OpenTelemetry, for the extra `traces`; of the service, only these modules import it."""
