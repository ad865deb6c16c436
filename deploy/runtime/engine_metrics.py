"""Prometheus metrics of the engine's own work (numbers of the domain are gauges elsewhere)."""

from prometheus_client import Counter, Gauge, Histogram

_PARTITION = ("topic", "partition")

APPLIED = Counter("hotline_engine_records_applied", "Input records applied to a state", _PARTITION)
SENT = Counter("hotline_engine_outputs_sent", "Records sent and acknowledged", ("topic",))
MISSING = Counter("hotline_engine_records_missing", "Input records that the topic no longer had", _PARTITION)
SEEKS_BACK = Counter("hotline_engine_seeks_back", "Chunks that began above the next offset: read again", _PARTITION)
RETRIES = Counter("hotline_engine_sink_retries", "Times a sink could not take a batch and was asked again", ("topic",))
POSITION = Gauge("hotline_engine_position", "Next offset to apply", _PARTITION)
END = Gauge("hotline_engine_end", "Offset the next appended record will get, as the last fetch said", _PARTITION)
LAG = Gauge("hotline_engine_lag", "Records appended and not applied", _PARTITION)
WAITS_FOR_OTHERS = Gauge(
    "hotline_engine_waits_for_others", "1 while a worker reads no further until the others have come up", ("topic",)
)
CLOCK = Gauge("hotline_engine_clock_seconds", "Partition clock, seconds since the epoch", _PARTITION)
CHECKPOINT_BYTES = Counter("hotline_engine_checkpoint_bytes", "Written to the state log, compressed", _PARTITION)
STATE_BYTES = Gauge("hotline_engine_state_bytes", "Size of the whole state, not compressed", _PARTITION)
STATE_AGE = Gauge(
    "hotline_engine_state_age_seconds", "Time since which the last state written knows nothing of the input", _PARTITION
)
RETENTION = Gauge(
    "hotline_engine_retention_seconds", "How long the input topic keeps a record (0: for ever)", ("topic",)
)
LOAD_SECONDS = Histogram(
    "hotline_engine_load_seconds", "Loading the states of assigned partitions", buckets=(0.1, 0.5, 2, 10, 40)
)
CHECKPOINT_SECONDS = Histogram(
    "hotline_engine_checkpoint_seconds", "From snapshot to acknowledged manifest", buckets=(0.01, 0.05, 0.25, 1, 5)
)
APPLY_SECONDS = Histogram(
    "hotline_engine_apply_seconds", "Time in the core per slice of a chunk", buckets=(0.001, 0.005, 0.025, 0.1, 0.5)
)
