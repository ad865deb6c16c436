"""Tells the lives of calls partitions apart: one whose state is gone begins afresh, and tells everything again.

What it told in its former life may not be added to what it tells in the new one. Neither may what the other partitions
told before: all states lie in one topic and are deleted together, so they begin afresh too, only a little later.
"""

from typing import Literal

import msgspec

Life = Literal["same", "afresh", "former"]


class LivesHead(msgspec.Struct, array_like=True):
    """What is packed. `born`: partition -> when its latest life began, in epoch seconds (0: it does not say).

    `awaited`: partitions whose new life has not been heard yet. `floor`: bundles of lives that began before it (epoch
    seconds) are not all there any more. `again`: there was a life before this one.
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
        """What was told before this instant (ms) may be of a former life; 0: there was none."""
        return max(self.head.born.values(), default=0) * 1000 if self.head.again else 0

    def cut(self, instant: int) -> None:
        """Take in that earlier bundles are gone: the first one left was appended at this instant (ms)."""
        self.head.floor = instant // 1000
        self.head.again = True

    def judge(self, partition: int, born: int) -> Life:
        """Which life a bundle is of: the `same` as before, a `former` one, or `afresh`: the first bundle of a new one."""
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
