"""The doctor on a machine with a GPU: it sees what the tests beside it use."""

from __future__ import annotations

from typing import Any

from edge.doctor import Machine, Needs
from edge.doctor.accelerator import cuda, libraries


def test_the_doctor_sees_the_gpu_its_toolkit_and_its_libraries(gpu_facts: dict[str, Any]) -> None:
    found = {finding.name: finding for finding in [*cuda(Machine(), Needs()), *libraries(Machine(), Needs())]}
    assert gpu_facts["name"] in found["GPU"].says
    for name in ("GPU", "CUDA toolkit", "pycuda", "TensorRT"):
        assert found[name].state == "right", found[name]
