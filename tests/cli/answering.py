"""A remote on 127.0.0.1 that answers every request alike, or by its path."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Remote:
    """Its address, and the requests that came."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def answering(
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    elsewhere: Mapping[str, tuple[int, bytes]] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Remote]:
    """Serve while the block lasts.

    `elsewhere`: other answers, by the last part of the path.
    """
    remote = Remote("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            remote.requests.append(f"{self.command} {self.path}")
            last = self.path.partition("?")[0].rpartition("/")[2]
            code, text = (elsewhere or {}).get(last, (status, body))
            now = self.date_time_string()
            self.send_response_only(code)
            told = {"Content-Length": str(len(text)), "Date": now, **(headers or {})}
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            pass

    for method in ("POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_GET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        remote.url = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield remote
        finally:
            server.shutdown()
            thread.join()
