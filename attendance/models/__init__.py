from attendance.models.care import ContactLog, DoubtNote, HomeLesson
from attendance.models.derived import SessionTally, Standing, Tally, Why
from attendance.models.guests import Guest
from attendance.models.leaves import Leave
from attendance.models.register import ATTENDED, Attendance, Mark, MarkBatch, Part, Reason, Status
from attendance.models.roster import RosterChange, RosterConfirmation, RosterEntry, RosterStay, Waiver
from attendance.models.sheets import PartClosing, SheetReading

__all__ = [
    "ATTENDED",
    "Attendance",
    "ContactLog",
    "DoubtNote",
    "Guest",
    "HomeLesson",
    "Leave",
    "Mark",
    "MarkBatch",
    "Part",
    "PartClosing",
    "Reason",
    "RosterChange",
    "RosterConfirmation",
    "RosterEntry",
    "RosterStay",
    "SessionTally",
    "SheetReading",
    "Standing",
    "Status",
    "Tally",
    "Waiver",
    "Why",
]
