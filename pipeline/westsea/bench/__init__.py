"""Benches: how well westsea finds what was planted, beside the recipes that everyone knows."""
