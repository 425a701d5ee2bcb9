"""Acts on many records at once, each as one call, for the tables of acts."""

from uuid import uuid4

from organizations.models import BulkAct
from organizations.services import bulk, bulk_accounts, sheets


def change_group(cast):
    return bulk.change_many(
        actor=cast.north_organizer,
        kind="member.change",
        ids=[cast.wang.pk, cast.li.pk],
        values={"party_group": "二组"},
        request_uuid=uuid4(),
    )


def undo_act(cast, done: BulkAct):
    return bulk.undo_act(actor=cast.north_organizer, act=done)


def many_acts(cast, quietly) -> dict:
    accounts = [cast.north_organizer.pk, cast.south_organizer.pk]
    return {
        "bulk.change_many": lambda: change_group(cast),
        "bulk.undo_act": lambda: undo_act(cast, quietly(change_group, cast)),
        "bulk_accounts.close_accounts": lambda: bulk_accounts.close_accounts(
            actor=cast.officer, ids=accounts, request_uuid=uuid4()
        ),
        "bulk_accounts.reset_accounts": lambda: bulk_accounts.reset_accounts(
            actor=cast.officer, ids=accounts, request_uuid=uuid4()
        ),
        "sheets.record_export": lambda: sheets.record_export(
            actor=cast.north_organizer, noun="党员", count=3, asked="王"
        ),
    }
