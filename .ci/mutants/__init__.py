"""Mutation testing: break the product in many small ways and count what the tests notice."""
