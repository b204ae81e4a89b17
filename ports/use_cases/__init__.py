"""The use cases that callers and the reconciler invoke, one per file."""
