"""What decides the numbers: the settings of the detector."""

from dataclasses import dataclass

from westsea_catalog.errors import ConfigError

ALGORITHM_VERSION = "9"
"""Changes whenever the same pixels and settings give other tables."""


@dataclass(frozen=True)
class Detector:
    """Settings of detection, measurement and pairing; pinned in OUT/sweep.json."""

    false_alarm_rate: float = 3e-8
    """Per pixel of radar sea; a blob needs one pixel above this threshold (its seed)."""
    growth_rate: float = 1e-3
    """Per pixel of radar sea; a blob grows over connected pixels above this threshold."""
    optical_seed_sigma: float = 6.3
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
    alongside_false_rate: float = 0.01
    """Share of single hulls, as simulated, that are taken for ships alongside: blobs above that
    point make a pair."""

    def __post_init__(self) -> None:
        """Refuse settings out of their range.

        Raises
        ------
        ConfigError
            The sentence names the setting and the range.
        """
        ranges = {
            "false_alarm_rate": (1e-9, self.growth_rate),
            "growth_rate": (1e-9, 0.1),  # beyond them the table of thresholds ends
            "optical_growth_sigma": (0.5, self.optical_seed_sigma),
            "optical_seed_sigma": (0.5, 20.0),
            "optical_growth_contrast": (0.01, self.optical_seed_contrast),
            "optical_seed_contrast": (0.01, 1.0),
            "largest_hull_m2": (100.0, 1e7),
            "land_inset_m": (0.0, 10_000.0),
            "land_near_m": (0.0, 10_000.0),
            "alongside_gap_m": (0.0, self.close_gap_m),
            "close_gap_m": (0.0, 10_000.0),
            "prior": (1e-6, 1.0 - 1e-6),
            "alongside_false_rate": (1e-3, 0.5),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"The detector's {name} is {value:g}; it must lie between {low:g} and {high:g}."
                )
