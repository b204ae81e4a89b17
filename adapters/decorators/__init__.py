"""What every provider gets the same way: each a port around a port."""
