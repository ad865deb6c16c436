"""Detection: what the merger asks on every tick - is demand above expectation, is the promise kept, who waits too long?

Pure: counts, gauges and a clock come in, `Signal` and `Forecast` records go out.
"""

from streams.detection.announced import Announced
from streams.detection.detection import Detection
from streams.detection.rules import DetectionRules, rules_from

__all__ = ["Announced", "Detection", "DetectionRules", "rules_from"]
