"""The service over HTTP: parse, call, render."""
