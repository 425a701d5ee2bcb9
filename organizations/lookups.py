"""How texts are compared where the ORM's own way reads a whole table."""

from django.db.models import CharField
from django.db.models.lookups import StartsWith

LAST = "\U0010ffff"


@CharField.register_lookup
class Begins(StartsWith):
    """`startswith` that uses the index on SQLite too, which looks LIKE … ESCAPE up in none.

    On PostgreSQL it stays LIKE: its index for beginnings (varchar_pattern_ops) serves nothing else.
    """

    lookup_name = "begins"

    def as_sql(self, compiler, connection):
        return StartsWith(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_sqlite(self, compiler, connection):
        column, params = self.process_lhs(compiler, connection)
        return f"({column} >= %s AND {column} < %s)", [*params, self.rhs, *params, self.rhs + LAST]
