"""Animation: a photo's person in the poses of a clip, and an object turned to one side after another."""
