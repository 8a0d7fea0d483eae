"""The body without clothes: figure, bones, poses, motions and cameras."""
