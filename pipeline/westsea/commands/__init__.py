"""Commands that read and add to results; `westsea.cli` has those that make them."""
