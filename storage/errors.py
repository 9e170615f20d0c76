"""Errors for the person at the terminal: what was found, what was expected, where, and what to do.

Programs go by the `code` of an error, which stays the same when its words change. `docs/errors.md` lists all
codes.
"""

import errno
import os
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

__all__ = ["LongstrideError", "StoreError", "StoreLockedError", "coded", "of_system"]

P = ParamSpec("P")
Result = TypeVar("Result")

REMEDIES = {
    errno.ENOSPC: "free some space there, then run the same command again",
    errno.EDQUOT: "free some of your quota there, then run the same command again",
    errno.EFBIG: "raise the limit (ulimit -f), or use a file system that allows larger files",
    errno.EROFS: "give a path on a file system that can be written",
    errno.EACCES: "change its permissions, or give another path",
    errno.EPERM: "change its permissions, or give another path",
    errno.EIO: "the disk or the network failed: check it, then run the same command again",
    errno.EMFILE: "raise the limit of open files (ulimit -n), then run the same command again",
    errno.ENFILE: "close other programs, then run the same command again",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a file is where a folder was expected: check the path",
    errno.EISDIR: "give the path of a file",
    errno.ELOOP: "remove the link",
}


class LongstrideError(ValueError):
    """Base of every error that a user can cause and correct; the command line prints it without a traceback."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
        """A short name of what is wrong, such as store-locked."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), str(self), self.code)


def of_system(error: OSError) -> LongstrideError:
    """What the operating system refused, as an error with a code: the file, the reason, what to do.

    Notes on the error, such as what is kept of the work, follow.
    """
    # Arrow puts words of its own around those of the system.
    reason = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0)
    parts = [*([str(error.filename)] if error.filename else []), " ".join(reason.split())]
    notes = [remedy, *getattr(error, "__notes__", [])] if remedy else getattr(error, "__notes__", [])
    return LongstrideError("; ".join([": ".join(parts), *notes]), code="file-system")


def coded(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a public function raise LongstrideError where the operating system refuses to read or write a file."""

    @wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> Result:
        try:
            return function(*arguments, **keywords)
        except BrokenPipeError:
            raise  # of whoever prints the progress
        except OSError as error:
            raise of_system(error) from error

    return call


def _restored(kind: type[LongstrideError], message: str, code: str) -> LongstrideError:
    """Make an error as it came from another process, whatever else its kind is made of."""
    error = kind.__new__(kind, message)
    LongstrideError.__init__(error, message, code=code)
    return error


class StoreError(LongstrideError):
    """A store is absent, unfinished, damaged or of another format."""


class StoreLockedError(StoreError):
    """Another process is writing to the store."""
