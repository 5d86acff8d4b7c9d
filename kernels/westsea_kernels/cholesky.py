"""Small symmetric systems, solved by Cholesky's factor in the lower half of the matrix."""

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.jit import kernel


@kernel
def factorize(a: Float64) -> bool:
    """Cholesky factor of a symmetric matrix in its lower half, in place; False if not positive."""
    for i in range(a.shape[0]):
        for j in range(i + 1):
            rest = a[i, j]
            for k in range(j):
                rest -= a[i, k] * a[j, k]
            if i == j:
                if not rest > 0.0:
                    return False
                a[i, i] = np.sqrt(rest)
            else:
                a[i, j] = rest / a[j, j]
    return True


@kernel
def solve(factor: Float64, b: Float64) -> None:
    """Solve in place, by the factor of `factorize`."""
    n = b.size
    for i in range(n):
        for k in range(i):
            b[i] -= factor[i, k] * b[k]
        b[i] /= factor[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            b[i] -= factor[k, i] * b[k]
        b[i] /= factor[i, i]


@kernel
def deviations(factor: Float64, out: Float64) -> None:
    """Square roots of the diagonal of the inverse."""
    for i in range(out.size):
        unit = np.zeros(out.size)
        unit[i] = 1.0
        solve(factor, unit)
        out[i] = np.sqrt(unit[i])


@kernel
def shortened(step: Float64, largest: Float64) -> float:
    """Share of a step, up to 1, that moves no parameter by more than its largest."""
    share = 1.0
    for i in range(step.size):
        if abs(step[i]) > largest[i]:
            share = min(share, largest[i] / abs(step[i]))
    return share
