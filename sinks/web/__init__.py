"""The wallboard and the HTTP API: reads cells, signals and alerts from Kafka, keeps a day of them, shows them.

- What is known: `reader` applies topics to the `board`, which keeps a day in memory (`rolling`, `kinds`); `last_day` fills
  it from ClickHouse where Kafka holds too much to be read, and `past` asks there for what memory does not hold.
- Who asks: `gate` tells people apart (`passwords`), `people` says what each may do, `sees` what each may see, and
  `limited_board` is the board with only that left; `row_filters` says the same to ClickHouse.
- What is shown: `snapshot` is the whole wallboard at one moment, with the state of each tile by `judge`, what was expected
  by `expected`, and who is heard by `sources`. `screens` keeps a snapshot for each filter, cut into `parts` for the stream.
- What is answered: `server` has the routes, and `api` those of `/api/v1`: `summary`, `day`, `beside` (last week and the
  wait to expect), `calls`, `one_call`, `breakdown`, `worst`, `districts`, `planned` (announced events); they leave as
  `answers` or `tables`, some `kept` for a moment, and `openapi` describes them.
- What people do: `deeds` is what all of it has in common; `actions` is about alerts (`said` is the last word on each),
  `planning` about announced events, `callbacks` takes answers from outside, and all is noted in `audit`.
"""
