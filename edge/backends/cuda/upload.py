"""Frames on the device, each uploaded once for all who work on it. What is done with them is the kernels'."""
