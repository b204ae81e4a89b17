"""The loops of the guard and the reconciler, and tasks that outlive their request."""
