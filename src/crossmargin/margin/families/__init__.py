"""What the members of one family of rulebooks share; no member imports another."""

__all__: list[str] = []
