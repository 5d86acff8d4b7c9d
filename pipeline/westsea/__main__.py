"""``python -m westsea`` is the command line."""

from westsea.cli import main

main(prog_name="westsea")
