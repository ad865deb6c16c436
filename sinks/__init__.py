"""Where numbers go to be seen: the ClickHouse writer and the web process."""
