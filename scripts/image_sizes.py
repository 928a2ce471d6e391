"""What docker/requirements*.txt come to on a machine and a Python that are not here: every pinned wheel is fetched and its content added up. Installs nothing.

It also shows that each pin has a wheel there (pycuda, which is compiled, apart). docker/README.md has what it said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLIBC = {"3.10": 35, "3.11": 36, "3.12": 39}
"""Of the system whose Python it is: Ubuntu 22.04 (JetPack 6), Debian 12, Ubuntu 24.04 (JetPack 7)."""


def wheels(requirements: Path, machine: str, python: str, folder: Path) -> list[Path]:
    """The wheels of a file of pins for a machine and a Python, fetched and checked by their digests."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[python], 16, -1)] + [f"manylinux2014_{machine}"]
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    words += ["--python-version", python, "--implementation", "cp", "--dest", str(folder)]
    words += [word for platform in platforms for word in ("--platform", platform)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        # Markers are read as of this Python, also by pip; so the right lines are chosen here.
        pins.write(_chosen(requirements.read_text(), python))
        pins.flush()
        subprocess.run([*words, "-r", pins.name], check=True)
    return sorted(folder.glob("*.whl"))


def _chosen(text: str, python: str) -> str:
    from packaging.markers import Marker

    blocks: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            blocks[-1] += f"\n{line}"
        elif line and not line.startswith("#"):
            blocks.append(line)
    kept = []
    for block in blocks:
        head, _, hashes = block.partition("\\\n")
        pin, _, marker = head.partition(" ; ")
        where = {"python_full_version": f"{python}.0", "python_version": python, "sys_platform": "linux", "implementation_name": "cpython"}
        if not pin.startswith("pycuda==") and (not marker or Marker(marker.strip()).evaluate(where)):
            kept.append(f"{pin.strip()} \\\n{hashes}")
    return "\n".join(kept) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--machine", default="aarch64", choices=["aarch64", "x86_64"])
    parser.add_argument("--python", default="3.10", choices=sorted(GLIBC))
    parser.add_argument("files", nargs="*", default=["requirements.txt", "requirements-jetson.txt"])
    given = parser.parse_args()
    for name in given.files:
        with tempfile.TemporaryDirectory() as folder:
            found = {}
            for wheel in wheels(ROOT / "docker" / name, given.machine, given.python, Path(folder)):
                with zipfile.ZipFile(wheel) as content:
                    found[wheel.name.split("-")[0]] = (wheel.stat().st_size, sum(one.file_size for one in content.infolist()))
        fetched, unpacked = (sum(sizes[which] for sizes in found.values()) / 1e6 for which in (0, 1))
        print(f"{name}, {given.machine}, Python {given.python}: {len(found)} wheels, {fetched:.1f} MB fetched, {unpacked:.1f} MB unpacked")
        for package, sizes in sorted(found.items(), key=lambda item: -item[1][1])[:6]:
            print(f"    {package:26} {sizes[1] / 1e6:7.1f} MB")


if __name__ == "__main__":
    main()
