"""Decorators of ports: logging, retries and queues for every adapter."""
