"""Detection: what the merger asks as its clock goes on - is demand as expected, is the promise kept, who waits too long?

Pure: counts, gauges and a clock come in, `Signal` and `Forecast` records go out. `detection` holds it together; what is
judged of demand is in `demand` (with `history`, `profile`, `plan`, `level`, `spread` and `expectation` for what is
expected, and `departure` for the tests), what is judged of promises in `promised`, and `signals` writes what is told.

Here a time or length without a unit in its name is in milliseconds. Words that the modules share:

- *key*: what is judged by itself, a hotline, queue or category; *slice*: one value of any dimension set, judged only
  against the other slices of its set.
- *profile*: the usual week of a key; *plan*: the profile laid on one day; *curve*: a plan made ready for look-ups;
  *level*: how busy today is against it; *lift*: by how much an announced event multiplies it.
- *look*: one test, the calls of a window against what was expected of it; *border*: where one minute ends and the next
  begins, and most is judged.
- *score*: -log10 of the probability of what was seen, if nothing has changed; *excess*: relative variance of a count
  beyond that of chance (Poisson).
- *episode*: one condition from its beginning to its end.
"""

from streams.detection.announced import Announced
from streams.detection.detection import Detection
from streams.detection.rules import DetectionRules, rules_from

__all__ = ["Announced", "Detection", "DetectionRules", "rules_from"]
