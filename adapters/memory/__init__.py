"""In memory: honest enough to develop a frontend against, and the fake that tests stand on."""
