"""The loops of a running service, and tasks that outlive their request."""
