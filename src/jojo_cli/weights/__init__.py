"""The weights of the bases: which there are, where they come from, and the folder that keeps them."""
