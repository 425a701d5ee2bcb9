from attendance.models.derived import SessionTally, Standing, Tally, Why
from attendance.models.register import ATTENDED, Attendance, Mark, MarkBatch, Part, Reason, Status
from attendance.models.roster import RosterEntry, RosterStay, Waiver

__all__ = [
    "ATTENDED",
    "Attendance",
    "Mark",
    "MarkBatch",
    "Part",
    "Reason",
    "RosterEntry",
    "RosterStay",
    "SessionTally",
    "Standing",
    "Status",
    "Tally",
    "Waiver",
    "Why",
]
