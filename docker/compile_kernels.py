"""Compiles the GPU's kernels into the folder where the service looks for them, while an image is built: by nvcc, without a GPU. Nothing runs them here."""

from __future__ import annotations

import sys

from edge.backends.cuda.nvcc import SOURCES, cubin
from edge.engine.resolve import kernels_folder

if len(sys.argv) < 2:
    sys.exit(f"usage: {sys.argv[0]} ARCH... (sm_87 for Orin)")
for arch in sys.argv[1:]:
    for source in SOURCES:
        cubin(source, arch, kernels_folder())
