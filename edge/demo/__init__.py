"""What `edge demo` shows: a plaza with known truth, a broker when none answers, a listener, a plot. Nothing inside the product knows this room."""

from edge.demo.plaza import CAMERA, DemoOptions, compare, demo_config, prepare_folder

__all__ = ["CAMERA", "DemoOptions", "compare", "demo_config", "prepare_folder"]
