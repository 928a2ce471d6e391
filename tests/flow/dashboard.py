"""What an independent dashboard makes of the messages of one camera: it trusts `stream` and `seq`, and adds up deltas. No product code is used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

Numbers = Counter[tuple[str, str, str]]
"""(line or zone, name, what) -> how many."""


class Dashboard:
    """Adds up payloads; a repeated (stream, seq) is the same message again."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int]] = set()
        self.repeated = 0
        self.by_events: Numbers = Counter()
        self.by_counts: Numbers = Counter()
        self.totals: dict[tuple[str, str, str], int] = {}
        self.seqs: list[int] = []

    def read(self, payloads: Iterable[bytes]) -> Dashboard:
        """Payloads of `events` and `counts` topics in the order in which they came."""
        for payload in payloads:
            message = json.loads(payload)
            place = (message["stream"], message["seq"])
            if place in self._seen:
                self.repeated += 1
                continue
            self._seen.add(place)
            self.seqs.append(message["seq"])
            if "lines" in message:
                self._read_counts(message)
            elif message["kind"] != "dropped":
                self.by_events[(message["kind"], message["name"], message["event"])] += 1
        return self

    def _read_counts(self, message: dict) -> None:  # type: ignore[type-arg]
        for kind, places, verbs in (
            ("line", message["lines"], ("in", "out")),
            ("zone", message["zones"], ("entered", "exited", "appeared", "vanished")),
        ):
            for name, numbers in places.items():
                for verb in verbs:
                    self.by_counts[(kind, name, verb)] += numbers[verb]
                    self.totals[(kind, name, verb)] = numbers[f"total_{verb}"]
