"""Django's sessions in the database, except for what it makes of a database that is away."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError


class SessionStore(db.SessionStore):
    """A session that cannot be saved because the database died or is locked was not deleted.

    Django answers 400 to both. A phone takes a 400 as final, although its marks may be
    stored: it must hear a 5xx and send them again.
    """

    def save(self, must_create=False):
        try:
            super().save(must_create)
        except UpdateError as error:
            away = error.__context__
            if isinstance(away, OperationalError):
                raise away from away.__cause__
            raise
