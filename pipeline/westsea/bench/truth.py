"""What was planted in an archive, as its truth tables have it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

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
        hulls = pd.read_parquet(folder / "hulls.parquet")
        if "setting" not in hulls:
            hulls = hulls.assign(setting="sea")
        others, scenes = folder / "others.parquet", folder / "scenes.parquet"
        names = ["other_id", "item_id", "kind", "lon", "lat", "length_m"]
        return cls(
            hulls,
            pd.read_parquet(folder / "pairs.parquet"),
            pd.read_parquet(others) if others.exists() else pd.DataFrame(columns=names),
            pd.read_parquet(scenes) if scenes.exists() else _unknown_seas(hulls),
        )

    def of(self, item_id: str) -> "Truth":
        """Of one scene."""
        tables = (self.hulls, self.pairs, self.others, self.scenes)
        return Truth(*(table[table["item_id"] == item_id] for table in tables))

    def sea_state(self, item_id: str) -> str:
        """Calm, moderate or rough."""
        states = self.scenes.set_index("item_id")["sea_state"]
        return str(states[item_id])

    @property
    def is_at_sea(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(hulls,) whether a hull counts: at a berth it is neither missed nor false."""
        return np.asarray(self.hulls["setting"] != "berth", np.bool_)


def _unknown_seas(hulls: pd.DataFrame) -> pd.DataFrame:
    items = hulls["item_id"].unique()
    return pd.DataFrame({"item_id": items, "sea_state": "unknown"})
