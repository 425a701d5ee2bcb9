"""Rosters as townships send them, built by code, and what must come of each.

`cases` and `files` hold the bad ones, `ugly` the right ones that do not look it, `damage` what
the generator breaks, `hostile` the attacks. Ids are those of the list of nasty inputs (R1 to R82).
"""
