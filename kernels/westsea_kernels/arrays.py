"""Names of the arrays and numbers that kernels take: plain words for numpy's types."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bool: TypeAlias = NDArray[np.bool_]
Int32: TypeAlias = NDArray[np.int32]
Int64: TypeAlias = NDArray[np.int64]
UInt16: TypeAlias = NDArray[np.uint16]
Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]
AnyReal: TypeAlias = NDArray[np.generic]
"""Pixels as a file has them, or counts: any integer or floating dtype."""

Int: TypeAlias = int | np.int64
Float: TypeAlias = float | np.float32
"""One number; a float64 scalar is a float."""
