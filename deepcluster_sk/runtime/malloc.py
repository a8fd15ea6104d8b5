"""Keep freed memory while training, instead of giving it back at every step.

It speaks for the whole process, so no estimator does it: a program that trains and does
little else may switch it on, as the command line does.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# From <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: More than any tensor of a step, in bytes; an int of C.
_NEVER = 2**31 - 1
#: Where the thresholds of glibc's own rule end up in a program that works with tensors.
_LARGEST_DYNAMIC = 2**25


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Have the C library keep what is freed, and return it at the end.

    A training step frees as much as it allocates. By default glibc maps every large
    block anew and unmaps it again, and the kernel clears its pages each time: about a
    quarter of a step on 28x28 images. Elsewhere than on glibc nothing happens. glibc
    does not tell its thresholds: at the end they are set to where its own rule would
    have brought them.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _NEVER)
    libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_DYNAMIC)
        libc.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_DYNAMIC)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Find the C library this process runs on, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
