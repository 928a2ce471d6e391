"""The thread that answers requests, so that neither frames nor publishing wait for an answer. What is answered is `requests`'."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from edge.data import Message
from edge.requests import Asked
from edge.runtime.mailbox import Closed, Mailbox

log = logging.getLogger(__name__)

_ROOM = 16
"""Requests that wait; more are forgotten, the oldest first: who floods displaces above all himself."""

_STALE_S = 60.0
"""Who asked so long ago has given up: a reset that comes to pass minutes later would surprise everybody."""

Answer = Callable[[Asked, float], Iterator[Message]]
Reply = Callable[[Message], bool]


class Desk:
    """Takes requests from the publisher's thread and answers them in its own. A context manager; `take` may be called before and after."""

    def __init__(self) -> None:
        self._asked: Mailbox[tuple[float, Asked]] = Mailbox(_ROOM, newest=True)
        self._thread: threading.Thread | None = None

    def take(self, asked: Asked) -> None:
        """Somebody asks. Returns at once."""
        with contextlib.suppress(Closed):  # the device is ending; nobody is answered any more
            self._asked.put((time.monotonic(), asked))

    def answering(self, answer: Answer, reply: Reply) -> Desk:
        """Set who answers (given a monotonic time in seconds), and who carries an answer away (False: it cannot be carried)."""
        self._thread = threading.Thread(target=self._run, args=(answer, reply), name="desk")
        return self

    def __enter__(self) -> Desk:
        assert self._thread is not None, "say first who answers"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.close(discard=True)
        if self._thread is not None:
            self._thread.join()

    def _run(self, answer: Answer, reply: Reply) -> None:
        while True:
            try:
                letter = self._asked.take()
            except Closed:
                return
            now_s = time.monotonic()
            if letter is None or now_s - letter[0] > _STALE_S:
                continue
            asked = letter[1]
            for message in answer(asked, now_s):
                if self._asked.finished or not reply(message):
                    log.info("an answer to %s could not be sent; whoever asked may ask again", asked.verb[:40])
                    break
