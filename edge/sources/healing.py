"""Which pictures of a camera can be trusted after a loss on the way. Decoding, and what was lost, is not known here; nor is a clock read."""

from __future__ import annotations

from edge.sources.times import SECOND_NS


class Healing:
    """A picture is made of the one before it, so what was lost smears through all that follow, until one comes that needs no other (a key frame).

    A decoder hides the hole as well as it can and says nothing of the pictures behind it; but people are found in smears. Cameras send a key
    frame every few seconds. One that sends none for `LONGEST_NS` mends its pictures piece by piece instead, and has done so by then.
    """

    LONGEST_NS = 10 * SECOND_NS

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def lost(self, *, now_ns: int) -> None:
        """Something did not arrive, or could not be decoded."""
        if self._since_ns is None:
            self._since_ns = now_ns

    def whole(self, *, is_key: bool, is_corrupt: bool, now_ns: int) -> bool:
        """Whether the picture that was decoded now is as the camera sent it; call it once a picture, in order."""
        if is_corrupt:
            self.lost(now_ns=now_ns)
        elif self._since_ns is not None and (is_key or now_ns - self._since_ns > self.LONGEST_NS):
            self._since_ns = None
        return self._since_ns is None
