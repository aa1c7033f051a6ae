"""Benchmarks: what the service can do on this machine, as ratios within one run. `make bench [ONLY=name]`."""
