"""What proves to a broker who we are, and to us who it is: secrets fetched from where the options say, certificates loaded. Nothing is kept or logged.

They are read at each connection, so that a certificate that was renewed or a password that was changed needs no restart. What cannot be read is a
BrokerError that names the place, never what stands in it.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from edge.errors import BrokerError
from edge.sinks.options_mqtt import MqttOptions, TlsOptions


def login_of(options: MqttOptions) -> tuple[str, str | None] | None:
    """User and password to give the broker; None for none."""
    user = _secret("username", options.username, options.username_file, options.username_env)
    if user is None:
        return None
    return user, _secret("password", options.password, options.password_file, options.password_env)


def tls_of(options: MqttOptions) -> ssl.SSLContext | None:
    """What an mqtts:// connection checks and shows; None for a plain one."""
    if not options.encrypted:
        return None
    tls = options.tls or TlsOptions()
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"tls.ca {tls.ca} cannot be used ({_reason(error)}); it must be a file of certificates in PEM") from None
    context.sslsocket_class = _TidySocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = not tls.insecure_skip_server_name_check
    if tls.certificate is not None:
        try:
            # A key with a password would make OpenSSL ask for it on the terminal, and a service wait for ever.
            context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")
        except (OSError, ssl.SSLError) as error:
            raise BrokerError(
                f"tls.certificate {tls.certificate} and its key cannot be used ({_reason(error)});"
                " both must be PEM, belong to each other, and the key have no password"
            ) from None
    return context


def translate(error: ssl.SSLError, where: str) -> BrokerError:
    """Why the broker at `where` and this device do not trust each other, in a sentence."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return BrokerError(
            f"{where} does not agree on TLS ({error.reason or error}); is this its port for TLS, and does it want a certificate of this device?"
        )
    if error.verify_code in (62, 64):  # another host, another address
        advice = "dial it by a name that stands in its certificate, or give it a certificate for this one"
    elif error.verify_code in (18, 19, 20, 21):  # nobody known has signed it
        advice = "give tls.ca the file of whoever signed it"
    else:
        advice = "see to the certificate, or to this device's clock"
    return BrokerError(f"{where} shows a certificate that is not taken: {error.verify_message.rstrip('.')}; {advice}")


class _TidySocket(ssl.SSLSocket):
    """Is closed when the two ends do not agree; paho lets such a socket lie."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _secret(name: str, value: str | None, file: Path | None, variable: str | None) -> str | None:
    if file is not None:
        try:
            lines = file.expanduser().read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BrokerError(
                f"{name}_file {file} cannot be read ({error.strerror}); it must be a text file whose first line is it"
            ) from None
        except UnicodeDecodeError:
            raise BrokerError(f"{name}_file {file} is no text in UTF-8; its first line must be the {name}") from None
        if not lines or not lines[0]:
            raise BrokerError(f"{name}_file {file} is empty; its first line must be the {name}")
        return lines[0]
    if variable is not None:
        found = os.environ.get(variable)
        if not found:
            raise BrokerError(f"{name}_env names the environment variable {variable}, which is not set; set it where edge is started")
        return found
    return value


def _reason(error: OSError) -> str:
    return error.strerror or str(getattr(error, "reason", "") or error)
