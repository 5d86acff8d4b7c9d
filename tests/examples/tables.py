"""The tables with DuckDB and geopandas: python tables.py OUT"""

import sys

import duckdb
import geopandas as gpd

from westsea.results import Sweep

out = sys.argv[1]

# DuckDB reads the tree as it is; collection and date come from the path.
print(
    duckdb.sql(
        f"""
        SELECT collection, date, count(*) AS pairs, round(max(score), 2) AS best
        FROM read_parquet('{out}/pairs/*/*/*.parquet', hive_partitioning = true)
        GROUP BY ALL ORDER BY ALL
        """
    )
)

# Each file is GeoParquet; `Sweep` reads all of them, with what several scenes tell joined.
ships = Sweep(out).detections()
assert isinstance(ships, gpd.GeoDataFrame)
metric = ships.to_crs(ships.estimate_utm_crs())
near = metric.sjoin_nearest(metric[["geometry"]], exclusive=True, distance_col="away_m")
print(near.groupby("collection")["away_m"].describe().round())
