"""Families: an algorithm written once, whose members are parameter files and a few lines."""

__all__: list[str] = []
