"""An example call of every audited service around rosters that come in and go out: name → act."""

from uuid import UUID

from organizations.imports.choices import Choices
from organizations.imports.preflight import FileRefused
from organizations.models import ImportBatch, Job
from organizations.services import import_checks, import_columns, import_undo, imports, jobs, rosters
from tests.organizations.workbooks import person
from tests.organizations.workbooks import roster as roster_file

FORM = UUID("6d1ef22c-6d0f-4c53-b4ba-9c2f0a5a8d8e")


def checked(cast) -> ImportBatch:
    return imports.check_roster(
        actor=cast.north_organizer,
        organization=cast.north,
        file_name="名册.xlsx",
        content=roster_file(person("张新一")),
    )


def stored(cast) -> ImportBatch:
    batch = checked(cast)
    imports.store_batch(actor=cast.north_organizer, batch=batch, version=batch.version)
    batch.refresh_from_db()
    return batch


def asked_for(cast) -> Job:
    job = rosters.request_roster(actor=cast.north_organizer, form=FORM)
    return jobs.claim(job.pk)


def import_acts(cast, quietly) -> dict:
    north = cast.north_organizer
    file = {"file_name": "名册.xlsx", "content": b"x"}
    return {
        "rosters.export_roster": lambda: rosters.export_roster(actor=north),
        "rosters.request_roster": lambda: rosters.request_roster(actor=north, form=FORM),
        "rosters.build": lambda: rosters.build(job=quietly(asked_for, cast)),
        "imports.check_again": lambda: imports.check_again(actor=north, batch=quietly(checked, cast)),
        "import_columns.remember_columns": lambda: import_columns.remember_columns(
            actor=north, answers={"联络号": "phone"}
        ),
        "import_checks.receive_roster": lambda: import_checks.receive_roster(
            actor=north, organization=cast.north, **file
        ),
        "import_checks.receive_corrected": lambda: import_checks.receive_corrected(
            actor=north, batch=quietly(checked, cast), **file
        ),
        "import_checks.receive_answers": lambda: import_checks.receive_answers(
            actor=north, batch=quietly(checked, cast), choices=Choices(hidden_rows=True)
        ),
        "import_checks.refuse_file": lambda: import_checks.refuse_file(
            actor=north, batch=quietly(checked, cast), refusal=FileRefused("这个文件是空的。", "EMPTY")
        ),
        "import_undo.undo_batch": lambda: import_undo.undo_batch(
            actor=north, batch=(batch := quietly(stored, cast)), version=batch.version
        ),
    }
