"""Doubles, clients and servers for the tests."""
