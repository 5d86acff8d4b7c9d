"""The one place with numba flags.

nogil, because one worker process may run several threads; no `parallel`, because Dask already
fills the cores; no `fastmath`, because the tables must be bit-identical on any path. Compiled
code is cached on disk only where asked (WESTSEA_JIT_CACHE=1): numba does not notice when a
kernel that is called from another file has changed (numba #4807).
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

CACHED = os.environ.get("WESTSEA_JIT_CACHE") == "1"


def kernel(function: F) -> F:
    """Compile a function at its first call, for C-contiguous arrays and plain numbers."""
    try:
        compiled = numba.njit(nogil=True, error_model="numpy", cache=CACHED)(function)
    except RuntimeError:  # "no locator available": the code's folder is read-only
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("F", compiled)
