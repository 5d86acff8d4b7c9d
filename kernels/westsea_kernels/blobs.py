"""Connected sets of bright pixels over a sparse set of blocks.

Only blocks that can hold a bright pixel are looked at. A block that is bright throughout is
*solid*: one node that stands for all its pixels. Pixels touch their eight neighbours; nothing is
dilated and nothing suppressed, since either would merge ships that lie side by side.
"""

import numpy as np

from westsea_kernels.arrays import Bool, Float32, Float64, Int, Int64
from westsea_kernels.blocks import BLOCK
from westsea_kernels.jit import kernel


@kernel
def _find(parent: Int64, node: Int) -> Int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def _join(parent: Int64, a: Int, b: Int) -> None:
    """The smaller node becomes the root, so that labels follow the order of the pixels."""
    a, b = _find(parent, a), _find(parent, b)
    if a < b:
        parent[b] = a
    else:
        parent[a] = b


@kernel
def number_bright(plane: Float32, threshold: Float32, first: int, nodes: Int64) -> int:
    """Give every pixel above its block's threshold a node number, counted from `first`.

    plane: (n, BLOCK, BLOCK), NaN where not valid; threshold: (n,); nodes: like plane, out, -1
    where not bright. Returns the next free number.
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
def _node_at(row: Int, col: Int, slots: Int64, solid: Int64, nodes: Int64) -> Int:
    """Node of a pixel given by its row and column in the scene; -1 for none."""
    i, j = row // BLOCK, col // BLOCK
    if row < 0 or col < 0 or i >= slots.shape[0] or j >= slots.shape[1]:
        return -1
    if solid[i, j] >= 0:
        return int(solid[i, j])
    if slots[i, j] < 0:
        return -1
    return int(nodes[slots[i, j], row - i * BLOCK, col - j * BLOCK])


@kernel
def connect(
    block_rows: Int64,
    block_cols: Int64,
    slots: Int64,
    solid: Int64,
    nodes: Int64,
    parent: Int64,
) -> None:
    """Join every bright pixel and solid block with what touches it.

    Parameters
    ----------
    block_rows, block_cols : (n,)
        Places of the blocks of `nodes` in the scene.
    slots : (scene block rows, scene block cols)
        Index of each place in `nodes`, -1 where it holds nothing.
    solid : like slots
        Node of each solid block, -1 elsewhere.
    nodes : (n, BLOCK, BLOCK)
        From `number_bright`.
    parent : (n_nodes,), out
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
def reach(
    block_rows: Int64,
    block_cols: Int64,
    slots: Int64,
    solid: Int64,
    nodes: Int64,
    alive: Bool,
    candidate: Bool,
    wanted: Bool,
) -> None:
    """Mark the blocks, not yet looked at, into which a living blob may grow.

    alive: (n_nodes,), whether the blob of a node goes on; candidate: (scene block rows, scene
    block cols), blocks that may hold a bright pixel; wanted: likewise, only ever set. The other
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
            if solid[i, j] >= 0 and alive[solid[i, j]]:
                for di in range(-1, 2):
                    for dj in range(-1, 2):
                        _want(i + di, j + dj, slots, solid, candidate, wanted)


@kernel
def _want(i: Int, j: Int, slots: Int64, solid: Int64, candidate: Bool, wanted: Bool) -> None:
    inside = i >= 0 and j >= 0 and i < slots.shape[0] and j < slots.shape[1]
    if inside and slots[i, j] < 0 and solid[i, j] < 0 and candidate[i, j]:
        wanted[i, j] = True


@kernel
def gather(
    block_rows: Int64,
    block_cols: Int64,
    plane: Float32,
    nodes: Int64,
    blob: Int64,
    start: Int64,
    rows: Int64,
    cols: Int64,
    values: Float32,
) -> None:
    """List the pixels blob by blob.

    blob: (n_nodes,), number of the blob of each node, -1 to leave it out; start: (n_blobs + 1,),
    where each blob's pixels begin; rows, cols, values: (start[-1],), out. Within a blob pixels
    follow the order of their nodes.
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
def marked_medians(
    plane: Float32, slots: Int64, block_rows: Int64, block_cols: Int64, marked: Bool, out: Float64
) -> None:
    """Median of the marked pixels of single blocks, the lower of the two in the middle.

    plane: (k, BLOCK, BLOCK); slots: (scene block rows, scene block cols), index of each place in
    `plane`; block_rows, block_cols: (n,); marked: (n, BLOCK, BLOCK); out: (n,), in and out, left
    alone where the place has no slot or nothing is marked.
    """
    values = np.empty(BLOCK * BLOCK, np.float32)
    for k in range(block_rows.size):
        slot = slots[block_rows[k], block_cols[k]]
        n = 0
        if slot >= 0:
            for row in range(BLOCK):
                for col in range(BLOCK):
                    if marked[k, row, col]:
                        values[n] = plane[slot, row, col]
                        n += 1
        if n > 0:
            out[k] = np.sort(values[:n])[(n - 1) // 2]


@kernel
def nearest_marked(
    rows: Float64,
    cols: Float64,
    jacobian: Float64,
    block_rows: Int64,
    block_cols: Int64,
    marked: Bool,
    distance: Float64,
) -> None:
    """Ground distance from points to the nearest marked pixel, in metres.

    Parameters
    ----------
    rows, cols : (m,)
        Points, in pixels.
    jacobian : (m, 2, 2)
        Metres (east, north) per step of (column, row) at each point.
    block_rows, block_cols : (n,)
    marked : (n, BLOCK, BLOCK)
    distance : (m,), in and out
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
def _norm(jac: Float64, dcol: float, drow: float) -> float:
    east = jac[0, 0] * dcol + jac[0, 1] * drow
    north = jac[1, 0] * dcol + jac[1, 1] * drow
    return float(np.sqrt(east * east + north * north))


@kernel
def _block_distance(jac: Float64, row: float, col: float, block_row: Int, block_col: Int) -> float:
    middle = 0.5 * (BLOCK - 1)
    return _norm(jac, block_col * BLOCK + middle - col, block_row * BLOCK + middle - row)


@kernel
def _scan(
    jac: Float64,
    rows: Float64,
    cols: Float64,
    p: int,
    block_rows: Int64,
    block_cols: Int64,
    marked: Bool,
    k: int,
    distance: Float64,
) -> None:
    for row in range(BLOCK):
        for col in range(BLOCK):
            if marked[k, row, col]:
                away = _norm(
                    jac,
                    block_cols[k] * BLOCK + col - cols[p],
                    block_rows[k] * BLOCK + row - rows[p],
                )
                distance[p] = min(distance[p], away)
