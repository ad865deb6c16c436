"""The wallboard and the HTTP API: reads cells, signals and alerts from Kafka, keeps a day of them, shows them."""
