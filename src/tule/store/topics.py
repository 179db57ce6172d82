"""Who waits for what: subscriptions to topics, on the event loop of one node."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Notify = Callable[[], None]


class Topics:
    """Exact topics, and prefixes for subscriptions that end with `*`.  Used on the event loop only."""

    def __init__(self) -> None:
        self._exact: dict[str, list[Notify]] = {}
        self._prefixes: dict[str, list[Notify]] = {}

    def subscribe(self, topic: str, notify: Notify) -> Callable[[], None]:
        table, key = (self._prefixes, topic[:-1]) if topic.endswith("*") else (self._exact, topic)
        table.setdefault(key, []).append(notify)

        def stop() -> None:
            listeners = table.get(key, [])
            if notify in listeners:
                listeners.remove(notify)
            if not listeners:
                table.pop(key, None)

        return stop

    def wake(self, topics: Iterable[str]) -> None:
        """Call each subscriber of these topics, once for each topic."""
        for topic in topics:
            for notify in list(self._exact.get(topic, ())):
                notify()
            for prefix, listeners in list(self._prefixes.items()):
                if topic.startswith(prefix):
                    for notify in list(listeners):
                        notify()

    def wake_all(self) -> None:
        """Call every subscriber: hints may have been lost."""
        for listeners in [*self._exact.values(), *self._prefixes.values()]:
            for notify in list(listeners):
                notify()
