"""Connected sets of bright pixels over a sparse set of blocks.

Only blocks that can hold a bright pixel are looked at. A block that is bright throughout is
*solid*: one node that stands for all its pixels. Pixels touch their eight neighbours; nothing is
dilated and nothing suppressed, since either would merge ships that lie side by side.
"""

import numpy as np

from westsea_kernels.blocks import BLOCK
from westsea_kernels.jit import kernel


@kernel
def _find(parent, node):  # type: ignore[no-untyped-def]
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def _join(parent, a, b):  # type: ignore[no-untyped-def]
    """The smaller node becomes the root, so that labels follow the order of the pixels."""
    a, b = _find(parent, a), _find(parent, b)
    if a < b:
        parent[b] = a
    else:
        parent[a] = b


@kernel
def number_bright(plane, threshold, first, nodes):  # type: ignore[no-untyped-def]
    """Give every pixel above its block's threshold a node number, counted from `first`.

    plane: (n, BLOCK, BLOCK) float32, NaN where not valid; threshold: (n,) float32;
    nodes: like plane, int64, out, -1 where not bright. Returns the next free number.
    """
    for k in range(plane.shape[0]):
        for row in range(BLOCK):
            for col in range(BLOCK):
                if plane[k, row, col] > threshold[k]:
                    nodes[k, row, col] = first
                    first += 1
                else:
                    nodes[k, row, col] = -1
    return first


@kernel
def _node_at(row, col, slots, solid, nodes):  # type: ignore[no-untyped-def]
    """Node of a pixel given by its row and column in the scene; -1 for none."""
    i, j = row // BLOCK, col // BLOCK
    if row < 0 or col < 0 or i >= slots.shape[0] or j >= slots.shape[1]:
        return -1
    if solid[i, j] >= 0:
        return solid[i, j]
    if slots[i, j] < 0:
        return -1
    return nodes[slots[i, j], row - i * BLOCK, col - j * BLOCK]


@kernel
def connect(block_rows, block_cols, slots, solid, nodes, parent):  # type: ignore[no-untyped-def]
    """Join every bright pixel and solid block with what touches it.

    Parameters
    ----------
    block_rows, block_cols : (n,) int64
        Places of the blocks of `nodes` in the scene.
    slots : (scene block rows, scene block cols) int64
        Index of each place in `nodes`, -1 where it holds nothing.
    solid : like slots
        Node of each solid block, -1 elsewhere.
    nodes : (n, BLOCK, BLOCK) int64
        From `number_bright`.
    parent : (n_nodes,) int64, out
        On return the root of each node: the smallest node of its blob.
    """
    for node in range(parent.size):
        parent[node] = node
    for k in range(nodes.shape[0]):
        row0, col0 = block_rows[k] * BLOCK, block_cols[k] * BLOCK
        for row in range(row0, row0 + BLOCK):
            for col in range(col0, col0 + BLOCK):
                node = nodes[k, row - row0, col - col0]
                if node < 0:
                    continue
                for drow in range(-1, 2):
                    for dcol in range(-1, 2):
                        other = _node_at(row + drow, col + dcol, slots, solid, nodes)
                        if other >= 0 and other != node:
                            _join(parent, node, other)
    for i in range(solid.shape[0]):
        for j in range(solid.shape[1]):
            if solid[i, j] >= 0:
                for di, dj in ((0, 1), (1, -1), (1, 0), (1, 1)):
                    if i + di < solid.shape[0] and 0 <= j + dj < solid.shape[1]:
                        other = solid[i + di, j + dj]
                        if other >= 0:
                            _join(parent, solid[i, j], other)
    for node in range(parent.size):
        parent[node] = _find(parent, node)


@kernel
def reach(block_rows, block_cols, slots, solid, nodes, alive, candidate, wanted):  # type: ignore[no-untyped-def]
    """Mark the blocks, not yet looked at, into which a living blob may grow.

    alive: (n_nodes,) bool, whether the blob of a node goes on; candidate: (scene block rows,
    scene block cols) bool, blocks that hold a bright pixel; wanted: likewise, out. The other
    arguments are those of `connect`.
    """
    for k in range(nodes.shape[0]):
        i, j = block_rows[k], block_cols[k]
        for row in range(BLOCK):
            for col in range(BLOCK):
                node = nodes[k, row, col]
                on_rim = row == 0 or col == 0 or row == BLOCK - 1 or col == BLOCK - 1
                if node >= 0 and on_rim and alive[node]:
                    for drow in range(-1, 2):
                        for dcol in range(-1, 2):
                            _want(i + (row + drow) // BLOCK, j + (col + dcol) // BLOCK,
                                  slots, solid, candidate, wanted)  # fmt: skip
    for i in range(solid.shape[0]):
        for j in range(solid.shape[1]):
            if solid[i, j] >= 0:
                for di in range(-1, 2):
                    for dj in range(-1, 2):
                        _want(i + di, j + dj, slots, solid, candidate, wanted)


@kernel
def _want(i, j, slots, solid, candidate, wanted):  # type: ignore[no-untyped-def]
    inside = i >= 0 and j >= 0 and i < slots.shape[0] and j < slots.shape[1]
    if inside and slots[i, j] < 0 and solid[i, j] < 0 and candidate[i, j]:
        wanted[i, j] = True


@kernel
def gather(block_rows, block_cols, plane, nodes, blob, start, rows, cols, values):  # type: ignore[no-untyped-def]
    """List the pixels blob by blob.

    blob: (n_nodes,) int64, number of the blob of each node, -1 to leave it out; start:
    (n_blobs + 1,) int64, where each blob's pixels begin; rows, cols: int64 and values: float32,
    out, (start[-1],). Within a blob pixels follow the order of their nodes.
    """
    fill = start[:-1].copy()
    for k in range(nodes.shape[0]):
        for row in range(BLOCK):
            for col in range(BLOCK):
                node = nodes[k, row, col]
                if node >= 0 and blob[node] >= 0:
                    at = fill[blob[node]]
                    fill[blob[node]] += 1
                    rows[at] = block_rows[k] * BLOCK + row
                    cols[at] = block_cols[k] * BLOCK + col
                    values[at] = plane[k, row, col]


@kernel
def nearest_marked(rows, cols, jacobian, block_rows, block_cols, marked, distance):  # type: ignore[no-untyped-def]
    """Ground distance from points to the nearest marked pixel, in metres.

    Parameters
    ----------
    rows, cols : (m,) float64
        Points, in pixels.
    jacobian : (m, 2, 2) float64
        Metres (east, north) per step of (column, row) at each point.
    block_rows, block_cols : (n,) int64
    marked : (n, BLOCK, BLOCK) bool
    distance : (m,) float64, in and out
        Only lowered, never raised.
    """
    for p in range(rows.size):
        jac = jacobian[p]
        reach_of_block = 0.5 * BLOCK * (_norm(jac, 1.0, 0.0) + _norm(jac, 0.0, 1.0))
        nearest, best = -1, np.inf
        for k in range(block_rows.size):
            away = _block_distance(jac, rows[p], cols[p], block_rows[k], block_cols[k])
            if away < best:
                nearest, best = k, away
        if nearest < 0:
            continue
        _scan(jac, rows, cols, p, block_rows, block_cols, marked, nearest, distance)
        for k in range(block_rows.size):
            away = _block_distance(jac, rows[p], cols[p], block_rows[k], block_cols[k])
            if away - reach_of_block < distance[p]:
                _scan(jac, rows, cols, p, block_rows, block_cols, marked, k, distance)


@kernel
def _norm(jac, dcol, drow):  # type: ignore[no-untyped-def]
    east = jac[0, 0] * dcol + jac[0, 1] * drow
    north = jac[1, 0] * dcol + jac[1, 1] * drow
    return np.sqrt(east * east + north * north)


@kernel
def _block_distance(jac, row, col, block_row, block_col):  # type: ignore[no-untyped-def]
    middle = 0.5 * (BLOCK - 1)
    return _norm(jac, block_col * BLOCK + middle - col, block_row * BLOCK + middle - row)


@kernel
def _scan(jac, rows, cols, p, block_rows, block_cols, marked, k, distance):  # type: ignore[no-untyped-def]
    for row in range(BLOCK):
        for col in range(BLOCK):
            if marked[k, row, col]:
                away = _norm(
                    jac,
                    block_cols[k] * BLOCK + col - cols[p],
                    block_rows[k] * BLOCK + row - rows[p],
                )
                distance[p] = min(distance[p], away)
