"""The clock, the random numbers and the leases of one process."""
