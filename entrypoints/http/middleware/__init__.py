"""Middleware: authentication, CORS, logging and checks around every handler."""
