"""The functions of the tools. Their docstrings and parameters are what agents read."""
