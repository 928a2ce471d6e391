"""Whether a machine is fit to count: what is right, what is not, what to do. It looks and never changes anything; what it looks for is in its files.

Each probe is a function from facts (files, answers of commands and of vendors' libraries) to findings. Facts come from a `Machine`, so that
tests can put recorded ones in their place. No vendor's library is loaded into this process but the broker's client.
"""

from edge.doctor.cameras import camera
from edge.doctor.examine import examine
from edge.doctor.findings import Finding
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs

__all__ = ["Finding", "Machine", "Needs", "camera", "examine"]
