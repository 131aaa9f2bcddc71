"""What every room may use: errors, ids, the clock, configuration, JSON. The standard library only, no I/O beyond reading the environment."""
