"""The built-in archive: simulated Sentinel scenes of the West Sea, with the truth beside them."""

from westsea_catalog.archive.writer import build

__all__ = ["build"]
