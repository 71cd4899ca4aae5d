"""An authority of its own, made with openssl, and the certificates that it issues: good
ones, expired ones, ones for other names.
"""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """\
[ca]
default_ca = own
[own]
dir = {folder}
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
[anything]
commonName = supplied
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """Make one with `authority`."""

    folder: Path

    @property
    def file(self) -> Path:
        """Its own certificate, as `ca_file` takes it."""
        return self.folder / "ca.pem"

    def issued(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """What a server of these names (`DNS:localhost`, `IP:127.0.0.1`) shows."""
        number = len(list(self.folder.glob("*.csr")))
        certificate, key, asked = (
            self.folder / f"server-{number}.{ending}" for ending in ("crt", "key", "csr")
        )
        run(
            "req",
            *_KEY,
            "-subj",
            "/CN=server",
            "-addext",
            f"subjectAltName={','.join(names)}",
            "-keyout",
            str(key),
            "-out",
            str(asked),
        )
        times = (
            ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
            if expired
            else ("-days", "2")
        )
        run(
            "ca",
            "-batch",
            "-config",
            str(self.folder / "ca.conf"),
            "-in",
            str(asked),
            "-out",
            str(certificate),
            "-notext",
            *times,
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        return context


def authority(folder: Path) -> Authority:
    """A new one, in an empty folder."""
    (folder / "ca.conf").write_text(_CONFIG.format(folder=folder))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    files = ("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"))
    run(
        "req",
        "-x509",
        *_KEY,
        "-days",
        "2",
        "-subj",
        "/CN=own",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        *files,
    )
    return Authority(folder)


def run(*arguments: str) -> None:
    """One call of openssl."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
