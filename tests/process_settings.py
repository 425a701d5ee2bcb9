"""The product's settings, for processes that a test starts.

The static files are collected beside the test database: two workers that collect
into one folder at once take each other's files away.
"""

from haizhou_training.settings import *  # noqa: F403
from haizhou_training.settings import DATA_DIR

STATIC_ROOT = DATA_DIR / "collected"
