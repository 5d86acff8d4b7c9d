"""Finds ships that lie side by side at sea in free Sentinel imagery."""
