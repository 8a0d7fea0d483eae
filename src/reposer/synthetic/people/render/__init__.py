"""Rendering of people with ground truth: dressed mesh, scene and light."""
