"""Whether everything that a sweep needs is there, and what to do where it is not."""
