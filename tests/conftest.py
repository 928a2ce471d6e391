"""Fixtures that tests of several rooms share: recorded material, brokers, a subscriber. No test and no expectation lives here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips, detections and models: `EDGE_SHARED`, or `shared` beside the repository."""
    path = Path(os.environ.get("EDGE_SHARED") or ROOT.parent / "shared").resolve()
    if not (path / "video").is_dir():
        pytest.skip(f"the shared material is not at {path}; set EDGE_SHARED to where it is")
    return path
