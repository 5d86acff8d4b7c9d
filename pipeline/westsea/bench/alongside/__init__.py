"""The bench of one hull or several: labelled blobs whose truth is known; DESIGN.md tells how."""
