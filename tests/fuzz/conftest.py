"""Properties are checked for truth, not for speed: a busy machine fails no test."""

from hypothesis import settings

settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")
