"""A server's certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from noria.core.errors import BadInput


class BadCertificate(BadInput):
    """TLS was asked for with files that make no key and certificate."""

    code = "N6037"


@dataclass(frozen=True)
class Tls:
    """PEM files of a server's certificate chain and key; with `clients`, an authority, only its clients are let in."""

    certificate: Path
    key: Path
    clients: Path | None = None

    def context(self, *, http2: bool = False) -> ssl.SSLContext:
        """What sockets are wrapped in; with `http2` for clients that speak only that, too. Raises BadCertificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1", "h2"] if http2 else ["http/1.1"])  # the first that both know
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.clients is not None:
                context.load_verify_locations(self.clients)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            message = f"{self.certificate} and {self.key} make no TLS server: {error}"
            raise BadCertificate(message, hint="give PEM files that belong together") from error
        return context
