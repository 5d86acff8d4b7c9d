"""Files as bytes, for servers to give out."""

import rasterio
from rasterio.io import MemoryFile


def tiff(pixels, grid, **options):
    """A GeoTIFF of pixels (rows, cols); with options of its driver."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            dtype=pixels.dtype,
            count=1,
            height=pixels.shape[0],
            width=pixels.shape[1],
            crs=f"EPSG:{grid.epsg}",
            transform=rasterio.Affine(*grid.transform),
            **options,
        ) as file:
            file.write(pixels, 1)
        return memory.read()
