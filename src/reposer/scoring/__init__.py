"""A trained generator under a named protocol: pairs of people, clips, and views of objects, beside copying the
source."""
