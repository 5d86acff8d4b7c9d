"""From the pixels of a scene to its tables: summarise each chunk, then judge the scene.

Knows nothing of stores, runs, clusters or the command line.
"""
