"""What we need from outside; each docstring is the specification that every adapter keeps."""
