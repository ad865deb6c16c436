"""Kafka and ClickHouse without an installation, for a laptop: each its own child process on loopback."""
