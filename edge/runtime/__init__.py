"""The only room that starts threads and reads clocks: time, mailboxes, the accelerator, one loop a camera, the device that runs them.

(Two leaves have a thread of their own, because they wait on sockets: the MQTT publisher, and the page of metrics.)
"""

from edge.runtime.camera import CameraLoop, CameraParts
from edge.runtime.clock import BootTimeline, Clock, MediaTimeline
from edge.runtime.device import Device
from edge.runtime.health import HealthMeter

__all__ = ["BootTimeline", "CameraLoop", "CameraParts", "Clock", "Device", "HealthMeter", "MediaTimeline"]
