"""The HTTP API: its routes, handlers, schemas, problems and OpenAPI document."""
