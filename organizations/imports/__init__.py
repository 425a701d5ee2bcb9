"""Reading a township's roster workbook: pre-flight, plain rows, columns, values, verdict, annotated copy.

Nothing in this package writes to the database; `organizations.services.imports` does.
"""
