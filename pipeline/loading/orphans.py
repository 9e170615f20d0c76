"""Worker processes that end with the process that started them, however that ended.

Nobody else ends them. A worker is a child of the fork server, so torch's own watch looks at the wrong process; and
workers hold the pipe by which the fork server would know that it is no longer needed.
"""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

__all__ = ["end_with_parent"]

THREAD = "longstride-parent-watch"


def end_with_parent() -> None:
    """In a worker process, start a thread that ends it when its parent has ended; once is enough."""
    parent = multiprocessing.parent_process()
    if parent is not None and all(thread.name != THREAD for thread in threading.enumerate()):
        threading.Thread(target=_watch, args=[parent], name=THREAD, daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    ends = [parent.sentinel]
    # Other children of the parent may hold the pipe behind the sentinel; a pidfd is the process itself.
    if hasattr(os, "pidfd_open") and parent.pid is not None:
        try:
            ends.append(os.pidfd_open(parent.pid))
        except ProcessLookupError:
            os._exit(1)  # it has ended already
        except OSError:
            pass  # the system allows no pidfd
    wait(ends)
    os._exit(1)
