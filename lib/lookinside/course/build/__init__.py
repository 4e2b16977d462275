"""What makes pages, decks, students' copies and runs from the chapters' sources; no notebook imports it."""

import sys

from lookinside.extras import need

NEEDED = ("jinja2", "jupytext", "math_core", "nbclient", "nbconvert", "nbformat", "psutil", "pygments")
# `python -m` imports this room while "-m" still stands in place of the program's name.
need(*NEEDED, program=sys.argv[:1] == ["-m"])
