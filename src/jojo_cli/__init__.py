"""jojo: redraw a face in the style of one picture."""

__version__ = "0.1.0"
