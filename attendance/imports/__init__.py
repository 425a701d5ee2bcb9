"""Sign-in sheets and plain lists as files: written, read in their own process, matched with the audience.

Nothing in this package writes to the database.
"""
