"""Benchmarks against targets, peers and the machine: ``python -m benchmarks`` (see docs)."""
