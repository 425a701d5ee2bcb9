from attendance.admin import moves, registers, week

__all__ = ["moves", "registers", "week"]
