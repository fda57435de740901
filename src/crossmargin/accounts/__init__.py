"""What an account is worth and needs, and what may be done with it: a requirement becomes a
decision only against what the account holds. Pure functions of accounts, markets and dated numbers.
"""

__all__: list[str] = []
