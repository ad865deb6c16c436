"""Which life of a calls partition is telling: whoever begins afresh, without a state, tells everything again.

What was told in a former life cannot be added to what is told in this one, and neither can what the others told in
theirs: all states lie in one topic, and go together.
"""

from typing import Literal

import msgspec

Life = Literal["same", "afresh", "former"]


class LivesHead(msgspec.Struct, array_like=True):
    """What is packed. `born`: of the latest life of each partition that was heard, in epoch seconds (0: it does not say).

    `awaited`: partitions that have not told in their new life yet. `floor`: of lives that were born earlier (epoch
    seconds) bundles are gone. `again`: there was a life before this one.
    """

    born: dict[int, int] = msgspec.field(default_factory=dict)
    awaited: list[int] = msgspec.field(default_factory=list)
    floor: int = 0
    again: bool = False


class Lives:
    """The lives of all calls partitions, as their bundles tell of them."""

    def __init__(self, head: LivesHead) -> None:
        self.head = head

    @property
    def named(self) -> bool:
        """Whether partitions say when they were born."""
        return any(self.head.born.values())

    @property
    def began(self) -> int:
        """What is earlier (ms) may have been told in a former life; 0: there was none."""
        return max(self.head.born.values(), default=0) * 1000 if self.head.again else 0

    def cut(self, instant: int) -> None:
        """The first bundle that is left was appended at this instant (ms)."""
        self.head.floor = instant // 1000
        self.head.again = True

    def judge(self, partition: int, born: int) -> Life:
        """Of which life a bundle is; `afresh`: the first of a new one."""
        head = self.head
        known = head.born.get(partition)
        if born < max(head.floor, known or 0):
            return "former"
        head.born[partition] = born
        if partition in head.awaited:
            if born == known:
                return "former"
            head.awaited.remove(partition)
            return "same"
        if known is None or born == known:
            return "same"
        head.again = True
        head.awaited = sorted(head.born.keys() - {partition})
        return "afresh"
