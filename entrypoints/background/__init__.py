"""The loops of the service: the guard and the reconciler."""
