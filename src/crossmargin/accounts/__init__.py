"""What an account is worth and needs, now and along a path: a requirement becomes a decision here.

Everything is a full margin run of one account on a moved market; nothing is interpolated.
"""

from crossmargin.accounts.frontier import Frontier
from crossmargin.accounts.linear import (
    Leg,
    Tier,
    inverse_price,
    linear_crossings,
    linear_price,
)

__all__ = ["Frontier", "Leg", "Tier", "inverse_price", "linear_crossings", "linear_price"]
