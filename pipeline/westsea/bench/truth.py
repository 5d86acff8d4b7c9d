"""What was planted in an archive, as its truth tables have it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NEAR_M = 40.0
OTHERS = ("turbine", "cage", "rock", "ambiguity")
"""Kinds of what may be mistaken for a hull."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth tables of some scenes."""

    hulls: pd.DataFrame
    pairs: pd.DataFrame
    others: pd.DataFrame
    scenes: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "Truth":
        """Of an archive's folder `truth`."""
        names = ("hulls", "pairs", "others", "scenes")
        return cls(*(pd.read_parquet(folder / f"{name}.parquet") for name in names))

    def of(self, item_id: str) -> "Truth":
        """Of one scene."""
        tables = (self.hulls, self.pairs, self.others, self.scenes)
        return Truth(*(table[table["item_id"] == item_id] for table in tables))

    def sea_state(self, item_id: str) -> str:
        """Calm, moderate or rough."""
        states = self.scenes.set_index("item_id")["sea_state"]
        return str(states[item_id])

    @property
    def is_at_sea(self) -> NDArray[np.bool_]:
        """(hulls,) whether a hull counts: at a berth it is neither missed nor false."""
        return np.asarray(self.hulls["setting"] != "berth", np.bool_)

    @property
    def reach_m(self) -> NDArray[np.float64]:
        """(hulls,) how far from its middle a hull's detection may lie.

        Half its length; alongside others, half that of the longest of them, for they may be one
        detection.
        """
        length = self.hulls["length_m"]
        longest = length.groupby(self.hulls["group_id"]).transform("max")
        return np.maximum(NEAR_M, np.where(self.is_at_sea, longest, length) / 2)
