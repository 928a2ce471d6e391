"""What of `sight:` can be meant."""

from __future__ import annotations

import pytest

from edge.scene import SightOptions


@pytest.mark.parametrize(
    ("option", "value"), [("blind_s", 0.5), ("frozen_s", float("nan")), ("still_s", 4000), ("moved_s", -1), ("least_shift", 0.0)]
)
def test_an_option_that_cannot_be_meant_is_refused_with_what_would_be_right(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} is .* it must be"):
        SightOptions(**{option: value})
