"""The audit is append-only in the database itself, whatever the code above it does."""

REFUSAL = "audit rows are append-only"

SQLITE = [
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON organizations_auditevent "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON organizations_auditevent "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    # INSERT OR REPLACE takes the old row away without asking the trigger on DELETE.
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON organizations_auditevent "
    "WHEN EXISTS (SELECT 1 FROM organizations_auditevent WHERE id = NEW.id) "
    "BEGIN SELECT RAISE(ABORT, 'audit rows are append-only'); END",
]
SQLITE_DROP = [f"DROP TRIGGER IF EXISTS audit_no_{change}" for change in ("update", "delete", "replace")]
POSTGRESQL = [
    f"CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON organizations_auditevent "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
]
POSTGRESQL_DROP = [
    "DROP TRIGGER IF EXISTS audit_no_change ON organizations_auditevent",
    "DROP FUNCTION IF EXISTS audit_refuse()",
]


def install(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def remove(apps, schema_editor):
    for statement in POSTGRESQL_DROP if schema_editor.connection.vendor == "postgresql" else SQLITE_DROP:
        schema_editor.execute(statement)


def byte_order(table: str):
    """Forward migration: compare `path` byte by byte on PostgreSQL, as SQLite does: a subtree is a range."""

    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN path TYPE varchar(255) COLLATE "C"')

    return alter
