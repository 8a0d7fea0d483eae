"""The head: face, hair, headwear and landmarks."""
