"""A real HTTP proxy on loopback in front of an S3 server, which answers late, with 503, or not to the end."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Faults", "faulty_proxy"]


class Faults:
    """What goes wrong with the next requests; counted over all connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: list[str] = []
        self.unavailable: Callable[[int, str], bool] = lambda number, request: False
        self.cut: Callable[[int, str], bool] = lambda number, request: False
        self.late: Callable[[int, str], float] = lambda number, request: 0.0
        """Seconds that an answer takes longer."""
        self.answer: tuple[int, bytes] | None = None
        """Status and body of every answer, instead of the server's own."""

    def next(self, request: str) -> int:
        with self._lock:
            self.requests.append(request)
            return len(self.requests)


@contextmanager
def faulty_proxy(port: int) -> Iterator[tuple[str, Faults]]:
    """Pass requests on to a port of this machine; gives the proxy's address, and its faults."""
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {self.path}"
            number = faults.next(request)
            time.sleep(faults.late(number, request))
            if faults.answer or faults.unavailable(number, request):
                status, told = faults.answer or (503, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)
                return
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                answer = upstream.getresponse()
                data = answer.read()
            except OSError:  # it is down: so is this
                self.close_connection = True
                return
            finally:
                upstream.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if faults.cut(number, request):
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            with contextlib.suppress(OSError):  # who asked has had enough of waiting
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
