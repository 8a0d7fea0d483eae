"""Tools of the project itself: its documentation site and its releases."""
