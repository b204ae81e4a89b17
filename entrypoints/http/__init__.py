"""The HTTP API: parse requests, call use cases, render answers."""
