"""What every room may use: errors, ids, the clock, configuration, JSON. The standard library only; reads the environment and one file."""
