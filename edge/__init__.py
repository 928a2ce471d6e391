"""Cameras on a small device become numbers and pictures that people can trust.

Importing this package loads no vendor library: no OpenCV, no network runtime, no MQTT client.
"""

__version__ = "0.1.0"
