"""People and objects that are rendered from numbers alone: nobody photographed or built them."""
