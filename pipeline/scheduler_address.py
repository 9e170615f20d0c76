"""The address of a Dask scheduler, checked before Dask tries it: it takes 20 s over one that means nothing."""

import re
import socket

from longstride.pipeline.cluster_watch import WorkersError
from longstride.storage.packages import needs

__all__ = ["check_address"]

ADDRESS = re.compile(r"(?:([a-z]+)://)?(\[[0-9a-fA-F:.%]+\]|[^\s/:\[\]]+):([0-9]{1,5})/?")
INSIDE = re.compile(r"inproc://[^/]+/[0-9]+/[0-9]+")
"""A scheduler in this process, as `LocalCluster(processes=False)` makes one."""
ENCRYPTED = ("tls", "wss")


def check_address(address: str) -> None:
    """Raise WorkersError where no scheduler can be at an address, such as tcp://host:8786."""
    needs("distributed")
    if INSIDE.fullmatch(address):
        return
    found = ADDRESS.fullmatch(address)
    if not found or not 0 < int(found[3]) < 2**16:
        raise _meaningless(address, "it is not a host and a port")
    kind = found[1] or "tcp"
    try:
        needs("distributed.comm.registry").get_backend(kind)
    except Exception as error:  # that of a kind which needs a package is the package's own
        raise _meaningless(address, f"{kind}:// cannot be used: {' '.join(str(error).split())}") from None
    if kind in ENCRYPTED and not needs("distributed.security").Security().get_connection_args("client").get(
        "ssl_context"
    ):
        raise _meaningless(address, "Dask's settings name no certificates (distributed.comm.tls)")
    try:
        socket.getaddrinfo(found[2].strip("[]"), int(found[3]))
    except OSError as error:
        raise WorkersError(
            f"no Dask scheduler answers at {address}: the name {found[2]} leads nowhere ({error.strerror})",
            code="workers-unreachable",
        ) from None


def _meaningless(address: str, why: str) -> WorkersError:
    return WorkersError(
        f"{address!r} cannot be the address of a Dask scheduler: {why}; expected one such as tcp://host:8786",
        code="option-value",
    )
