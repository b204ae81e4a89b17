"""Programs that nobody here wrote, against the service and its documents."""
