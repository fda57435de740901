"""The version is one that packaging tools accept."""

from packaging.version import Version

from crossmargin.core.version import __version__


def test_version_is_in_normal_form() -> None:
    assert str(Version(__version__)) == __version__
