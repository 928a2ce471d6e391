"""Gives the tests of this folder its fixtures. Nothing else is here."""

from tests.cuda_host.fixtures import host_cuda, host_kernels

__all__ = ["host_cuda", "host_kernels"]
