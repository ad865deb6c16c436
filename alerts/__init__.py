"""Signals become messages to people: rules, lifecycle, channels.

To read it from the beginning: `rules` (with `expressions`) is what a rule says, and `lifecycle` the life of one alert.
`core` is the processor of `hotline.signals` and `watch` that of `hotline.cells`, for rules over windows; both write changes
of state to `hotline.alerts`. `telling` is the processor of that topic: `deliveries` keeps what machines have still to be
told, and `paging` (with `duty`, `on_call` and `controls`) whom of the people. `sender` and `pager` take from these what is
due and give it to `channels`; `app` holds it all together.

Words that the modules share:

- *episode*: one firing of an alert, from its beginning to its end; *fingerprint*: the alert over all its episodes.
- *target*: a machine that is told, through one channel; *receiver*: a person or desk, reached by the first of several
  channels that works; *page*: an episode on its way along a chain of receivers.
- *due*: what is to be told now; *to settle*: to take in what came of telling it; *overtaken*: over before it was told.
- *held back*: nobody is told now, because it is silenced, inhibited or flapping; *standing*: what is known of an alert by
  the people who could do something about it.
"""
