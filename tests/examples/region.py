"""Sweep a region, and look at the likeliest pairs: python region.py CATALOG OUT

For a region of your own name a catalogue of `westsea catalogs`, a box and days.
"""

import sys

import westsea

catalog, out = sys.argv[1:]
items = westsea.search(catalog, bbox=[118, 33, 127, 41], datetime="2017-10-01/2017-10-31")
plan = westsea.plan(items, catalog=catalog)
print(plan.summary())

# On your Dask client if you have one, else on a cluster of this machine; 0 is this process.
sweep = westsea.sweep(plan, out, workers=0)
pairs = sweep.pairs()
likeliest = pairs[pairs["flags"] % 256 == 0].nlargest(5, "score")  # bits 0 to 7 are doubts
print(likeliest[["kind", "score", "lon", "lat", "gap_m", "item_id"]])
