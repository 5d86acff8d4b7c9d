"""Results as files that other programs open: tables by suffix, and a static STAC collection."""
