"""Projects, operations and faults."""
