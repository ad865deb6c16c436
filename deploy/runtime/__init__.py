"""What every process needs to run: settings, logs, health and metrics, Kafka, the state log."""
