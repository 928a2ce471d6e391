"""The GPU's detector and painter, twins of the CPU's. Importing this package loads no vendor library; its modules load pycuda when they are used."""
