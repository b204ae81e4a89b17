"""The service's boundary: the interfaces that it needs (`driven`), its use cases (`driving`)."""
