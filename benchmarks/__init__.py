"""What the figures of README and docs/benchmarks.md come from; each runs with one command."""
