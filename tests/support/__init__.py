"""Doubles and real servers that the tests stand on."""
