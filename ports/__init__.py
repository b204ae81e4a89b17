"""The boundary of the service: the interfaces that it needs (`driven`) and its use cases."""
