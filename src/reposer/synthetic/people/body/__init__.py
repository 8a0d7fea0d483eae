"""A body without clothes: its figure, its bones, how it may stand and move, and from where it is seen."""
