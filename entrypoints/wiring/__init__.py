"""The composition root: the only part of pgvend that knows the adapters and the injector."""
