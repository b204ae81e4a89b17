"""The loops that run beside requests, and tasks that outlive their request."""
