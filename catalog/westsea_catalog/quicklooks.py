"""Quicklooks: a scene on this machine at a glance, from what its files hold of themselves.

Pixels of a quicklook lie as those of the file, but turned over where that puts north up and east
to the right: radar geometry runs along the flight. Nothing is read over the network.
"""

import numpy as np

from westsea_catalog.errors import WestseaError
from westsea_catalog.pictures import Image, Picture, optical, radar
from westsea_catalog.reader import PowerReader, reader_of
from westsea_catalog.scene import Asset, Scene

MOST_PX = 256
"""Along the longer side."""
COLOURS = ("B04", "B03", "B02")


def quicklook(scene: Scene) -> Picture | None:
    """A picture of the whole scene, MOST_PX a side at most.

    None where its files are on the network, cannot be read, or hold no overview and are too
    large to be decoded for a glance.
    """
    bands = _shown(scene)
    if any(band.source.startswith("/vsi") or "://" in band.source for band in bands):
        return None
    levels = []
    try:
        for band in bands:
            reader = reader_of(band, scene.grid, scene.nodata)
            file = reader.file if isinstance(reader, PowerReader) else reader
            pixels = file.overview(MOST_PX)
            if pixels is None:
                return None
            levels.append(np.where(pixels == scene.nodata, np.nan, pixels.astype(float)))
            is_amplitude = np.issubdtype(pixels.dtype, np.integer)
    except WestseaError:
        return None
    name = "true colour" if len(bands) > 1 else bands[0].name
    if scene.sensor == "optical":
        found = optical(name, np.stack(levels, axis=-1) if len(levels) > 1 else levels[0])
    else:
        found = radar(name, levels[0] ** 2 if is_amplitude else levels[0])
    return Picture(name, _upright(scene, found.pixels), found.scale)


def _shown(scene: Scene) -> tuple[Asset, ...]:
    """The three of true colour where all are as fine as the grid, else the first band."""
    fine = {asset.name: asset for asset in (*scene.bands, *scene.extras) if asset.factor == 1}
    if scene.sensor == "optical" and all(name in fine for name in COLOURS):
        return tuple(fine[name] for name in COLOURS)
    return scene.bands[:1]


def _upright(scene: Scene, image: Image) -> Image:
    rows, cols = scene.grid.shape
    steps = scene.grid.jacobian(rows / 2, cols / 2)
    if steps[1, 1] > 0:  # north, a row on
        image = image[::-1]
    return image[:, ::-1] if steps[0, 0] < 0 else image  # east, a column on
