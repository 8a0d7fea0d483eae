"""Clips of what moves: a photo's person in the poses of a clip, and an object that turns."""
