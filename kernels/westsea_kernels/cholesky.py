"""Small symmetric systems: made of products of rows, solved by Cholesky's factor.

Of every matrix the lower half alone is filled and looked at.
"""

import numpy as np

from westsea_kernels.arrays import Float64
from westsea_kernels.jit import kernel

LANES = 8
"""Products that are added side by side, so that the compiler takes as many at a time."""


@kernel
def products(rows: Float64, out: Float64) -> None:
    """Sums of the products of any two rows, in the lower half; rows: (m, n), out: (m, m)."""
    n_rows, n = rows.shape
    whole = n - n % LANES
    sums = np.empty((n_rows, LANES))
    for i in range(n_rows):
        one = rows[i]
        sums[:] = 0.0
        for j in range(i + 1):
            two, own = rows[j], sums[j]
            for k in range(0, whole, LANES):
                for lane in range(LANES):
                    own[lane] += one[k + lane] * two[k + lane]
            for k in range(whole, n):
                own[k - whole] += one[k] * two[k]
            out[i, j] = own.sum()


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
    # Those of the inverse of the factor, squared, add up to them column by column.
    n = out.size
    column = np.empty(n)
    for i in range(n):
        total = 0.0
        for j in range(i, n):
            rest = 1.0 if j == i else 0.0
            for k in range(i, j):
                rest -= factor[j, k] * column[k]
            column[j] = rest / factor[j, j]
            total += column[j] * column[j]
        out[i] = np.sqrt(total)


@kernel
def shortened(step: Float64, largest: Float64) -> float:
    """Share of a step, up to 1, that moves no parameter by more than its largest."""
    share = 1.0
    for i in range(step.size):
        if abs(step[i]) > largest[i]:
            share = min(share, largest[i] / abs(step[i]))
    return share
