"""How texts are compared where the ORM's own way reads a whole table."""

import json

from django.db.models import CharField, Field
from django.db.models.lookups import Lookup, StartsWith

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


@Field.register_lookup
class Among(Lookup):
    """`in` for thousands of values: one parameter, where Django and the database look at each."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, list(self.rhs)]

    def as_sqlite(self, compiler, connection):
        column, params = self.process_lhs(compiler, connection)
        among = "IN (SELECT value FROM json_each(%s))"
        return f"{column} {among}", [*params, json.dumps(list(self.rhs))]
