"""What an account is worth and needs, now and along a path: a requirement becomes a decision here.

Everything is a full margin run of one account on a moved market; nothing is interpolated.
"""

__all__: list[str] = []
