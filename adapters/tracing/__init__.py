"""Traces by OpenTelemetry; the only modules that import it, for pgvend installed with `traces`."""
