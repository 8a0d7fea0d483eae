"""Procedurally generated people and objects: no photographs, scans or models are used."""
