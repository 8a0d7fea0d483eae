"""Small networks that look at people: trained on synthetic people, shipped with the package."""
