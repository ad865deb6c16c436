"""ClickHouse's HTTP protocol in front of the engine as a library (chdb), in a process of its own.

    python -m deploy.embedded.clickhouse_server --path DIR --port 8123

Two users, no passwords, loopback only: `default` (Hotline's own processes) and `reader` (people), who
can change nothing and is limited in time, memory and rows. Nobody reaches files, networks or programs
through SQL. It is a laptop's stand-in: point `HOTLINE_CLICKHOUSE__URL` at a real server for anything more.
"""
