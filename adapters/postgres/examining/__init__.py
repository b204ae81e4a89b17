"""What the operator of a server should know before we vend on it: one file per kind of question."""
