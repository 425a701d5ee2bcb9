"""The settings without what keeps SQLite writers from refusing each other; to see the test notice.

RACES_WITHOUT=transaction_mode: BEGIN instead of BEGIN IMMEDIATE. =timeout: nobody waits for the lock.
"""

import os

from haizhou_training.settings import DATABASES
from tests.process_settings import *  # noqa: F403

if os.environ["RACES_WITHOUT"] == "timeout":
    DATABASES["default"]["OPTIONS"]["timeout"] = 0
else:
    DATABASES["default"]["OPTIONS"].pop(os.environ["RACES_WITHOUT"])
