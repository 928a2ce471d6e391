"""`python -m edge` is the command `edge`."""

from edge.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
