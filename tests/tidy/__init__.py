"""Checkers that read the repository's own files; ``tests/test_tidy.py`` applies them.

Each takes sources and returns findings, one line of text per fault, so that a checker can itself be
tested on a planted fault.
"""
