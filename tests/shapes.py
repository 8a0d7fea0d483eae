"""The checker of shapes and types: an int is a float, as the language's own rules say."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
