"""The tests, and the benchmarks that write the published tables."""
