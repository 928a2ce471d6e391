"""A moment as it is written on a command line. What a moment is, is decided where requests are read; nothing else is parsed here."""

from __future__ import annotations

from argparse import ArgumentTypeError


def utc_ns(text: str) -> int:
    """UTC nanoseconds of ``2026-11-24T09:00:00Z`` or the like, as a `type` of argparse, which says only what ArgumentTypeError tells it."""
    from edge.requests.payloads import utc_ns_of

    try:
        return utc_ns_of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
