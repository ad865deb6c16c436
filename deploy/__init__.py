"""How it runs: command line, settings, supervisor, embedded Kafka and ClickHouse, provisioning."""
