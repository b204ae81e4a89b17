"""Mutation testing: change the product in many small ways; count the changes that tests detect."""
