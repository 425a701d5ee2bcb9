"""The hidden column of a sheet: whose line it is, of which class, and what it said when it went out."""

from dataclasses import dataclass

from django.core.signing import BadSignature, Signer

SALT = "attendance.sheet"


@dataclass(frozen=True)
class Token:
    """One line as it left the house. `version` is the row's of that day: a change since is a conflict."""

    session: int
    part: int
    entry: int
    version: int
    status: str = ""
    reason: str = ""
    minutes: int | None = None


class BadToken(Exception):
    """Somebody changed the hidden column, or half of it is missing."""


def write_token(token: Token) -> str:
    minutes = "" if token.minutes is None else token.minutes
    facts = (token.session, token.part, token.entry, token.version, token.status, token.reason, minutes)
    # Begins with a letter, so that no spreadsheet takes it for a number.
    return Signer(salt=SALT).sign("R" + ".".join(map(str, facts)))


def read_token(text: str) -> Token:
    try:
        facts = Signer(salt=SALT).unsign(text)
    except BadSignature as error:
        raise BadToken from error
    session, part, entry, version, status, reason, minutes = facts[1:].split(".")
    known = int(minutes) if minutes else None
    return Token(int(session), int(part), int(entry), int(version), status, reason, known)
