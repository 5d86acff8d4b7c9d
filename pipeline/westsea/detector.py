"""What decides the numbers: the settings of the detector."""

from dataclasses import dataclass

ALGORITHM_VERSION = "1"
"""Changes whenever the same pixels and settings give other tables."""


@dataclass(frozen=True)
class Detector:
    """Settings of detection, measurement and pairing; pinned in OUT/sweep.json."""

    false_alarm_rate: float = 1e-7
    """Per pixel of radar sea; a blob needs one pixel above this threshold (its seed)."""
    growth_rate: float = 1e-3
    """Per pixel of radar sea; a blob grows over connected pixels above this threshold."""
    optical_seed_sigma: float = 6.0
    """Seed above the water, in robust standard deviations of the water."""
    optical_growth_sigma: float = 4.0
    optical_seed_contrast: float = 0.2
    """Least seed above the water, as a share of the step from water to land (or to twice the
    water's level where no land is seen)."""
    optical_growth_contrast: float = 0.12
    largest_hull_m2: float = 120_000.0
    """A larger blob is land or cloud: a raft of four 400 m ships covers about 100,000 m2."""
    land_inset_m: float = 300.0
    """Pixels are masked this far inland of the coast's line and farther; those between are looked
    at, and flagged land_near. Nine tenths of the coast that ships are right to 300 m."""
    land_near_m: float = 100.0
    alongside_gap_m: float = 20.0
    close_gap_m: float = 500.0
    prior: float = 0.03
    """Share of blobs that are ships alongside one another, before looking at their pixels."""
