"""What can be said about models that are made."""

from __future__ import annotations

import pytest

from edge.engine import EngineOptions


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"precision": "fp8"}, "it must be fp32, fp16 or int8"),
        ({"batch": (2, 1)}, "1 <= least <= most <= 64"),
        ({"batch": (0, 1)}, "1 <= least <= most <= 64"),
        ({"workspace_mib": 1}, "16 to 65536"),
    ],
)
def test_what_no_engine_can_be_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        EngineOptions(**options)
