"""The members: one module a model or a pair that shares every line; numbers are data."""

__all__: list[str] = []
