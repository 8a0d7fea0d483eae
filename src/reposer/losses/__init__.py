"""Losses on a generated picture or a flow. Every term is a mean over rows."""
