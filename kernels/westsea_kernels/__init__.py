"""Arrays and floats in, arrays out: numpy and numba only, no policy, no IO."""
