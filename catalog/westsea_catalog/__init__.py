"""Where pixels come from: search, scenes, lazy cubes, coast and the built-in archive."""
