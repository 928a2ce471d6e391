"""What the product costs: CPU time a frame, frames a second, memory; beside Ultralytics where an interpreter has it. No part of a device is here."""
