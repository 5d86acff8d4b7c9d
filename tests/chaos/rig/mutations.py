"""GeoTIFFs with something wrong in them."""

import struct

import numpy as np
import rasterio
from rasterio.io import MemoryFile

HEADER_BYTES = 2048
WIDTH, LENGTH, TILE_WIDTH, TILE_LENGTH, TILE_COUNTS = 256, 257, 322, 323, 325


def truncated(rng, data):
    """The first part of it."""
    return data[: int(rng.integers(0, len(data)))]


def flipped(rng, data):
    """A few bits turned over, anywhere."""
    return _flip(rng, data, len(data))


def flipped_header(rng, data):
    """The same where the tags are."""
    return _flip(rng, data, HEADER_BYTES)


def blanked(rng, data):
    """A run of bytes of one value."""
    first = int(rng.integers(0, len(data)))
    last = min(first + int(rng.integers(1, 4096)), len(data))
    return data[:first] + bytes([int(rng.choice([0, 0xFF]))]) * (last - first) + data[last:]


def shuffled(rng, data):
    """Two pieces that changed places."""
    one, two = sorted(rng.integers(0, len(data), 2).tolist())
    return data[one:two] + data[:one] + data[two:]


def misshapen(rng, data):
    """A sound file of another shape, dtype, number of bands or place."""
    with MemoryFile(data) as memory, memory.open() as source:
        profile, pixels = source.profile, source.read(1)
    changes = (
        {"height": int(rng.integers(1, 300))},
        {"width": int(rng.integers(1, 300))},
        {"dtype": str(rng.choice(["float64", "complex64", "int32"]))},
        {"count": int(rng.integers(2, 5))},
        {"crs": str(rng.choice(["EPSG:32652", "EPSG:4326"]))},
        {"transform": rasterio.Affine(20, 0, 0, 0, -20, 0)},
    )
    profile = {**profile, **changes[int(rng.integers(len(changes)))]}
    rows, cols = min(profile["height"], len(pixels)), min(profile["width"], pixels.shape[1])
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            image = np.zeros((profile["height"], profile["width"]), profile["dtype"])
            image[:rows, :cols] = pixels[:rows, :cols].astype(profile["dtype"])
            for band in range(1, profile["count"] + 1):
                target.write(image, band)
        return memory.read()


def bomb(rng, data):
    """A few kilobytes that say to hold up to a terabyte."""
    tags = [(WIDTH, LENGTH), (TILE_WIDTH, TILE_LENGTH), (TILE_COUNTS,)]
    for tag in tags[int(rng.integers(len(tags)))]:
        data = _with_tag(data, tag, int(2 ** rng.uniform(12, 31)))
    return data


MUTATIONS = (truncated, flipped, flipped_header, blanked, shuffled, misshapen, bomb)


def _flip(rng, data, below):
    found = bytearray(data)
    for place in rng.integers(0, min(below, len(data)), int(rng.integers(1, 30))):
        found[place] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _with_tag(data, tag, value):
    """Set a tag of the first directory of a classic little-endian TIFF, as LONG."""
    found = bytearray(data)
    (offset,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, offset)
    for entry in range(offset + 2, offset + 2 + 12 * n_tags, 12):
        if struct.unpack_from("<H", data, entry)[0] == tag:
            struct.pack_into("<HII", found, entry + 2, 4, 1, value)
    return bytes(found)
