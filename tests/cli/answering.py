"""A remote on 127.0.0.1 that gives every request the same answer."""

from __future__ import annotations

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
    status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> Iterator[Remote]:
    """Serve while the block lasts."""
    remote = Remote("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            remote.requests.append(f"{self.command} {self.path}")
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    for method in ("POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_GET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        remote.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield remote
        finally:
            server.shutdown()
            thread.join()
