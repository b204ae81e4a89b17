"""How the service is reached and put together."""
