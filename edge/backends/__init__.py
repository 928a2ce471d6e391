"""Where detection and painting are done: `cpu` (ONNX Runtime and OpenCV); twins of it come beside it. Neither knows the other."""
