"""Training of the networks that jojo ships; nothing here runs when photos are redrawn."""
