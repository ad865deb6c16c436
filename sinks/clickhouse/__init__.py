"""The ClickHouse side: schema by migrations, records as rows, and the writer."""
