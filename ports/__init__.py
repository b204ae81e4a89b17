"""The service's boundary: what it needs (`driven`) and what may be asked of it (`driving`)."""
