"""What a bad network, a bad broker and a bad power supply do to a device that runs: one fault after the other. What must come out is the test's.

The device speaks to the broker through a gate. While the broker is away the gate is shut until the listener, who speaks to the broker itself, is
back: whoever is not there misses what is said, and that is nobody's fault.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.demo.broker import Broker
from tests.unit.sinks.gate import Gate

BROKER_FAULTS = ("broker stopped", "broker killed, comes back empty")
LINE_FAULTS = ("refused", "slow", "cut at every tenth", "cut")
DEVICE_FAULT = "device killed"


class Device:
    """`edge run -c path`, in a process that can be killed and started again."""

    def __init__(self, path: Path, arguments: Sequence[str] = ()) -> None:
        self._command = [sys.executable, "-m", "edge", "run", "-c", str(path), *arguments]
        self._words = path.with_suffix(".log")
        self._words.write_bytes(b"")
        self.start()

    def start(self) -> None:
        with self._words.open("ab") as words:
            self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=words)

    def kill(self) -> bool:
        """Whether it was still running."""
        if self._process.poll() is not None:
            return False
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return True

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def finish(self, timeout_s: float) -> None:
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the device did not come to its end: {self.words[-2000:]}") from None
        assert code == 0, self.words[-2000:]

    @property
    def words(self) -> str:
        return self._words.read_text(errors="replace")


class Chaos:
    """Faults in a fixed order of kinds, at random moments, with random lengths."""

    def __init__(self, device: Device, gate: Gate, broker: Broker, ears: Any, rng: random.Random) -> None:
        self._device, self._gate, self._broker, self._ears, self._rng = device, gate, broker, ears, rng
        self.done: Counter[str] = Counter()

    def strike(self, kinds: Sequence[str], faults: int, progress: Callable[[], int]) -> None:
        """`faults` of them. Between two, the device comes on by a few frames, so that each falls into work."""
        for number in range(faults):
            before, until_s = progress(), time.monotonic() + 30
            while self._device.running and progress() < before + self._rng.randint(1, 20) and time.monotonic() < until_s:
                time.sleep(0.01)
            if not self._device.running:
                return
            kind = kinds[number % len(kinds)]
            self._strike(kind)
            self.done[kind] += 1
            # Every third fault of the line or the broker falls together with the device's own.
            if kind != DEVICE_FAULT and number % 3 == 2 and self._device.kill():
                self.done[f"{DEVICE_FAULT} meanwhile"] += 1
                self._device.start()
            self._mend()

    def _strike(self, kind: str) -> None:
        gate, lasts_s = self._gate, self._rng.uniform(0.05, 0.5)
        if kind in BROKER_FAULTS:
            if kind == "broker stopped":
                self._broker.stop()
            else:
                self._broker.kill()
            gate.shut()
        elif kind == DEVICE_FAULT:
            self._device.kill()
            self._device.start()
            return
        elif kind == "refused":
            gate.refusing = True
            gate.cut()
        elif kind == "slow":
            gate.delay_s = 0.05
        elif kind == "cut at every tenth":
            gate.cut_after = 10
            lasts_s *= 3
        else:
            gate.cut()
        time.sleep(lasts_s)

    def _mend(self) -> None:
        gate = self._gate
        gate.refusing, gate.delay_s, gate.cut_after = False, 0.0, None
        self._broker.start()
        self._ears.wait_ready(30)
        gate.reopen()
