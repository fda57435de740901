"""Health as weighted assets less weighted liabilities, for accounts as rows and tokens as columns.

    contribution = balance x price x (asset weight if balance >= 0, else liability weight)
    counted = sum of what is positive        needed = sum of what is negative, as a positive number

Weights and prices may differ by sign, so that each side is valued at the price that is worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.model import PoolBook

__all__ = ["Sides", "Weighted", "dense_quantity", "scaled_asset_weight", "scaled_liability_weight"]


@dataclass(frozen=True, slots=True)
class Sides:
    """[A] what a health counts and what it needs; their difference is the health."""

    counted: Floats
    needed: Floats

    @staticmethod
    def of(contributions: Floats) -> Sides:
        """Of [A, T] contributions, added in the order of the columns."""
        positive, negative = np.maximum(contributions, 0.0), np.maximum(-contributions, 0.0)
        return Sides(_across(positive), _across(negative))


@dataclass(frozen=True, slots=True)
class Weighted:
    """[T] prices and weights of tokens at one level."""

    asset_price: Floats
    liability_price: Floats
    asset_weight: Floats
    liability_weight: Floats

    def contributions(self, balance: Floats) -> Floats:
        """[A, T] weighted value of balances."""
        asset = self.asset_price * self.asset_weight
        liability = self.liability_price * self.liability_weight
        return np.asarray(balance * np.where(balance < 0.0, liability, asset))


def dense_quantity(held: PoolBook, width: int) -> Floats:
    """[A, I] quantities of a block of accounts."""
    accounts = len(held.row) - 1
    out = np.zeros((accounts, width))
    out[np.repeat(np.arange(accounts), np.diff(held.row)), held.column] = held.quantity
    return out


def scaled_asset_weight(weight: Floats, deposits_quote: Floats, start_quote: Floats) -> Floats:
    """Asset weight times ``start / deposits`` where deposits exceed the start; start 0: never."""
    beyond = (start_quote > 0.0) & (deposits_quote > start_quote)
    return np.where(beyond, weight * start_quote / np.where(beyond, deposits_quote, 1.0), weight)


def scaled_liability_weight(weight: Floats, borrows_quote: Floats, start_quote: Floats) -> Floats:
    """Liability weight times ``borrows / start`` where borrows exceed the start; start 0: never."""
    beyond = (start_quote > 0.0) & (borrows_quote > start_quote)
    return np.where(beyond, weight * borrows_quote / np.where(beyond, start_quote, 1.0), weight)


def _across(table: Floats) -> Floats:
    """[A] sums of the columns from the left: neither width nor neighbours change a bit."""
    total = np.zeros(len(table))
    for column in table.T:
        total = total + column
    return total
