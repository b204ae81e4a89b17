"""Adapters in memory: a fake that keeps the contracts, for tests and for frontend development."""
