"""Calls become numbers: intake, visits, cells, merge, detection.

To read it from the beginning: `intake` makes an event of a record's bytes; `calls` and `stays` make a call of events and
stays in queues of a call; `contribution` says what they add to cells. `feed` keeps all that of one feed, and `partition`
is the processor of `hotline.calls` around it. What it sends to the merger is in `bundle`; `merged_feed` adds it up, and
`merge` is the processor of `hotline.partials`, which also asks `detection`.

Words that the modules share:

- *feed*: events with a name and a clock of their own (`live`, or a replay); *generation*: which replay of a feed it is,
  where a later one replaces the one before.
- *fact*: what one event tells of a call or agent; *stay*: a call's time in one queue, which leaves as a *visit*.
- *place*: where something counts before it is broken down by dimension set; *share*: what one partition has counted in
  one place and minute.
- *clock*: the time that was reached by the records read, never back; *watermark*: minutes before it are called final;
  *horizon*: minutes before it cannot change any more, and are let go of.
- *to tell*: to hand over what changed, always as absolute values. *to settle*: to count all that follows from what was
  read. *to retrace*: to tell again what a former owner of the partition may have told.
- *lost*: a call or agent whose source never told the end; *terms*: the promises and limits that calls were counted under.
- *parts*: the pieces of a state, of which a checkpoint writes only those whose bytes have changed; *head*: the part with
  what is small; *shelf*: a part with the calls or minutes that belong together.
"""
