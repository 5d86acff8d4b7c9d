"""Sentinel-1 in radar geometry: where its pixels lie, what their numbers mean."""
