"""How close an account is to trouble, and who makes it so: what each position, desk, strategy and
client adds to a requirement, and why a requirement changed from one day to the next. Pure functions
of requirements and books; shares always add up to the whole, and what belongs to nobody is a line
of its own."""

from __future__ import annotations

__all__: list[str] = []
