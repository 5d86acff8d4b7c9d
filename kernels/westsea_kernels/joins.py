"""Which entries of several lists are the same thing."""

import numpy as np

from westsea_kernels.arrays import Bool, Int, Int64
from westsea_kernels.jit import kernel


@kernel
def _top(root: Int64, k: Int) -> int:
    at = int(k)
    while root[at] != at:
        root[at] = root[root[at]]
        at = int(root[at])
    return at


@kernel
def _has(following: Int64, source: Int64, k: Int, wanted: Int) -> bool:
    """Whether an entry from a list is in the ring of k."""
    at = k
    while True:
        if source[at] == wanted:
            return True
        at = following[at]
        if at == k:
            return False


@kernel
def _share_a_list(following: Int64, source: Int64, a: Int, b: Int) -> bool:
    at = a
    while True:
        if _has(following, source, b, source[at]):
            return True
        at = following[at]
        if at == a:
            return False


@kernel
def same_things(first: Int64, second: Int64, is_sure: Bool, source: Int64) -> Int64:
    """(n,) the smallest of the entries that each is the same thing as.

    Parameters
    ----------
    first, second : (m,)
        Indices of entries of different lists that may be the same thing, likeliest first.
    is_sure : (m,)
        Whether they look like it. They then are, unless entries of one list would become the same.
        Others, which come after all of these, may be pieces. They are the same if one of the two
        has no like in the other's list, which then has in one what its own has in pieces.
    source : (n,)
        Number of the list that each entry is from.
    """
    root = np.arange(source.size)
    following = np.arange(source.size)
    for k in range(first.size):
        i, j = first[k], second[k]
        a, b = _top(root, i), _top(root, j)
        if a == b:
            continue
        if is_sure[k]:
            apart = _share_a_list(following, source, i, j)
        else:
            apart = _has(following, source, i, source[j]) and _has(following, source, j, source[i])
        if not apart:
            root[max(a, b)] = min(a, b)
            following[i], following[j] = following[j], following[i]
    for k in range(root.size):
        root[k] = _top(root, k)
    return root
