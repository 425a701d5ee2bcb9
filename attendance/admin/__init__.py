from attendance.admin.registers import AttendanceAdmin, RosterEntryAdmin

__all__ = ["AttendanceAdmin", "RosterEntryAdmin"]
