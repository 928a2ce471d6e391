"""`edge build` for who has a checkout and no installed `edge`: the same words, the same code; nothing is decided here.

``python scripts/build_engine.py yolo11n.pt --for-size 1920x1080 --batch 1-4``
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from edge.cli import main

if __name__ == "__main__":
    sys.exit(main(["build", *sys.argv[1:]]))
