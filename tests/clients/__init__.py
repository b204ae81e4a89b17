"""Tests of the service and its documents with programs of others."""
