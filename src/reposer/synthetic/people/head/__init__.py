"""A head: face, hair and what is worn on it, and its landmarks."""
