from django.db import migrations, models

COLUMN = "joined_party_precision"
ADD = f"ALTER TABLE organizations_member ADD COLUMN {COLUMN} varchar(5) DEFAULT 'day' NOT NULL"
DROP = f"ALTER TABLE organizations_member DROP COLUMN {COLUMN}"


class Migration(migrations.Migration):
    """Written out, because Django would copy the whole table for it on SQLite."""

    dependencies = [("organizations", "0007_name_of_expired_imports")]

    operations = [
        migrations.RunSQL(
            ADD,
            DROP,
            state_operations=[
                migrations.AddField(
                    model_name="member",
                    name=COLUMN,
                    field=models.CharField(
                        choices=[("day", "日"), ("month", "月"), ("year", "年")],
                        db_default="day",
                        default="day",
                        editable=False,
                        max_length=5,
                    ),
                ),
            ],
        ),
    ]
