"""Which keys have to be judged: one of which nothing was told since it was judged would only be found as it was."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=tuple[Any, ...])


class Stirred(Generic[KeyT]):
    """The keys to be judged: something was told of them since they were judged, or time alone may change something."""

    def __init__(self) -> None:
        self._keys: set[KeyT] = set()
        self._frame: int | None = None

    def add(self, key: KeyT) -> None:
        """Something was told of the key."""
        self._keys.add(key)

    def due(self, everyone: AbstractSet[KeyT], frame: int) -> Iterable[KeyT]:
        """The keys to be judged, in order; `everyone` when `frame` is another: the windows lie elsewhere."""
        if frame != self._frame:
            self._frame = frame
            self._keys.update(everyone)
        return sorted(self._keys)

    def rest(self, key: KeyT) -> None:
        """Time alone changes nothing of the key, which was judged."""
        self._keys.discard(key)

    def clear(self) -> None:
        """Begin anew: then `everyone` is due."""
        self._keys.clear()
        self._frame = None
