"""Webhooks by HTTP, signed as Standard Webhooks are."""
