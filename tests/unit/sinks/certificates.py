"""Certificates of a day, made by openssl for tests of TLS: who signs, a broker's, a device's. No test lives here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


class Certificates:
    """Files in `folder`: ca.crt; broker.crt for the name localhost alone; device.crt; other.crt signs itself. Each with its .key."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self._folder = folder
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
        for name in ("ca", "other"):
            self._run("req", "-x509", *key, "-subj", f"/CN=edge test {name}", "-keyout", self / f"{name}.key", "-out", self / f"{name}.crt")
        for name, alternative in (("broker", "DNS:localhost"), ("device", "DNS:device")):
            request, extension = self / f"{name}.csr", self / f"{name}.ext"
            extension.write_text(f"subjectAltName={alternative}\n")
            self._run("req", *key[:5], "-subj", f"/CN=edge test {name}", "-keyout", self / f"{name}.key", "-out", request)
            signer = ("-CA", self / "ca.crt", "-CAkey", self / "ca.key", "-CAcreateserial", "-days", "1", "-extfile", extension)
            self._run("x509", "-req", "-in", request, *signer, "-out", self / f"{name}.crt")

    def __truediv__(self, name: str) -> Path:
        return self._folder / name

    def settings(self, *, client: bool = False) -> str:
        """Lines of Mosquitto's listener; `client`: who connects must show a certificate."""
        lines = [f"cafile {self / 'ca.crt'}", f"certfile {self / 'broker.crt'}", f"keyfile {self / 'broker.key'}"]
        return "\n".join([*lines, f"require_certificate {str(client).lower()}"])

    @staticmethod
    def _run(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
