"""What decides the numbers: the settings of the detector, and their hash."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

ALGORITHM_VERSION = "1"
"""Changes whenever the same pixels and settings give other tables."""


@dataclass(frozen=True)
class Detector:
    """Settings of detection, measurement and pairing."""

    false_alarm_rate: float = 1e-7
    """Per pixel of radar sea; a blob needs one pixel above this threshold (its seed)."""
    growth_rate: float = 1e-3
    """Per pixel of radar sea; a blob grows over connected pixels above this threshold."""
    optical_seed_sigma: float = 6.0
    """Seed above the water, in robust standard deviations of the water."""
    optical_growth_sigma: float = 3.0
    optical_seed_contrast: float = 0.12
    """Least seed above the water, as a share of the step from water to land (or to twice the
    water's level where no land is seen)."""
    optical_growth_contrast: float = 0.06
    largest_hull_m2: float = 120_000.0
    """A larger blob is land or cloud: 1.7 times a raft of four of the largest ships."""
    land_near_m: float = 100.0
    alongside_gap_m: float = 20.0
    close_gap_m: float = 500.0
    prior: float = 0.03
    """Share of blobs that are ships alongside one another, before looking at their pixels."""


def params_hash(detector: Detector, aoi: dict[str, Any], coast_hash: str) -> str:
    """Hash of all that decides the numbers: settings, AOI, coast and algorithm.

    Dates, catalogue, workers, chunks, shards and library versions are left out on purpose.
    """
    return hashlib.sha256(
        json.dumps(parameters(detector, aoi, coast_hash), sort_keys=True).encode()
    ).hexdigest()


def parameters(detector: Detector, aoi: dict[str, Any], coast_hash: str) -> dict[str, Any]:
    """All that decides the numbers, as it is pinned in OUT/sweep.json."""
    return {
        "algorithm_version": ALGORITHM_VERSION,
        "detector": asdict(detector),
        "aoi": aoi,
        "coast": coast_hash,
    }
