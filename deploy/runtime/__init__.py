"""What every process needs to run: settings, logs, health and metrics, Kafka, the state log.

`streams` and `alerts` are hosted by `worker`, which holds each input partition as an `owned` one around its `processor`, a
pure core. What that makes leaves by `outbox`, and its state is kept by `state_log` (`state_records` says how, `state_taking`
what one owner writes, `state_found` what the next one resumes from, `state_checks` whether it may). `sinks` is hosted by
`sink`, which commits offsets instead. `transport` is Faust as both need it, `hosting` the process around it.

Words that the modules share:

- *place*: a topic and partition; *position*: the offset there to be applied next; *chunk*: records that travel together.
- *owner*: the process that a partition is assigned to; *epoch*: counts the owners, so that a late write of a former one is
  known as such; *taking*: one owner's hold of a partition in the state log.
- *part*: a named piece of a state; *shard*: a part, or a piece of a large one, as one record of the state log; *manifest*:
  the record that names the shards of a whole state.
"""
