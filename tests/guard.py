"""While a test runs, a write to our tables made outside a `@service` fails it.

Setting the scene may write directly: fixtures and `setUpTestData` are not
watched, and inside a test `with tests.base.fixture_writes():` says so openly.
"""

import re

from organizations.service import is_inside_service

WRITE = re.compile(
    r'^\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+"?'
    r"((?:organizations|campaigns|attendance|reports)_\w+)",
    re.IGNORECASE,
)
# Django's own login writes these two columns, one at a time.
LOGIN = re.compile(
    r'^UPDATE "organizations_user" SET "(?:last_login|password)" = (?:%s|NULL) WHERE', re.IGNORECASE
)


class WriteOutsideService(AssertionError):
    pass


class WriteGuard:
    """A database execute_wrapper; `active` only during the test itself, not its set-up or flush."""

    def __init__(self):
        self.active = False

    def __call__(self, execute, sql, params, many, context):
        if self.active and not is_inside_service():
            self.refuse_write(str(sql))
        return execute(sql, params, many, context)

    @staticmethod
    def refuse_write(sql: str) -> None:
        # A statement ended by ";" is the flush after a transactional test; the ORM writes none.
        write = WRITE.match(sql)
        if write and not LOGIN.match(sql) and not sql.rstrip().endswith(";"):
            raise WriteOutsideService(f"{write[1]} is written outside a @service: {sql[:200]}")

    def watch(self, connection, **kwargs) -> None:
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)
