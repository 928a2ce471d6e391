"""How many requests are heeded: a bucket that fills with time. Time is given, never read."""

from __future__ import annotations

from edge.requests.options import RequestOptions

_COMPLAINT_EVERY_S = 1.0


class Rate:
    """A token bucket (Turner 1986, "leaky bucket as a meter"): `burst` at once, `per_minute` in the long run."""

    def __init__(self, options: RequestOptions) -> None:
        self._most = float(options.burst)
        self._per_s = options.per_minute / 60
        self._left = self._most
        self._t_s: float | None = None
        self._complained_s = float("-inf")

    def heeds(self, now_s: float) -> bool:
        """Whether a request that comes now is within the rate; it is counted if so."""
        before_s = now_s if self._t_s is None else self._t_s
        self._t_s = max(now_s, before_s)
        self._left = min(self._most, self._left + (self._t_s - before_s) * self._per_s)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def complains(self, now_s: float) -> bool:
        """Whether somebody who came too fast is told so: once a second, or the answers would be a flood themselves."""
        if now_s - self._complained_s < _COMPLAINT_EVERY_S:
            return False
        self._complained_s = now_s
        return True
