"""Rows of tables as plain values."""

from typing import Any

import pandas as pd

Row = dict[str, Any]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Rows with None for what is null, and sums that pandas made floats as they are."""
    columns = [
        [
            None if absent else value
            for value, absent in zip(frame[name], frame[name].isna(), strict=True)
        ]
        for name in frame
    ]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]
