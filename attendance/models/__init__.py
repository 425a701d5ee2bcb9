from attendance.models.derived import SessionTally, Standing, Tally, Why
from attendance.models.register import ATTENDED, Attendance, Mark, MarkBatch, Part, Reason, Status
from attendance.models.roster import RosterChange, RosterConfirmation, RosterEntry, RosterStay, Waiver

__all__ = [
    "ATTENDED",
    "Attendance",
    "Mark",
    "MarkBatch",
    "Part",
    "Reason",
    "RosterChange",
    "RosterConfirmation",
    "RosterEntry",
    "RosterStay",
    "SessionTally",
    "Standing",
    "Status",
    "Tally",
    "Waiver",
    "Why",
]
