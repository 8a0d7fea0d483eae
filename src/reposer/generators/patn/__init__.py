"""PATN: progressive pose attention transfer (Zhu et al. 2019, arXiv:1904.03349)."""
