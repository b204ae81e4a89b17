"""Marked secrets, and the places where none of them may turn up."""
