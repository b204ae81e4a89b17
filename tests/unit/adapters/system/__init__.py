"""Adapters of the operating system."""
