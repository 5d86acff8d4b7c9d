"""What the scenes of one pass have in common: an overlay, computed from committed tables alone."""
