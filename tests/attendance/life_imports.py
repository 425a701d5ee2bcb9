"""Acts of a random life: rosters that come as files, are stored whole or in part, and are taken back."""

from datetime import date, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from organizations.models import ImportBatch, ImportState, Member
from organizations.services.import_undo import undo_batch
from organizations.services.imports import check_again, check_roster, store_batch
from tests.attendance.life_scene import NUMBER, Being

BORN = date(1960, 1, 1)
CHANGED = ("name", "party_group", "sex", "birth_date", "is_floating", "place_in_list")


class RosterActs(Being):
    """Files as the officer uploads them; each check reads them in a process of its own."""

    births = 0

    def sheet(self, number: int, people: int, wrong: bool) -> bytes:
        """Somebody known with something changed, somebody new, and perhaps a line nobody can store."""
        lines = ["姓名,所在党支部,出生日期,党小组,流动党员"]
        known = list(Member.objects.present().select_related("branch").order_by("pk"))
        for place in range(people):
            member = known[(number + 7 * place) % len(known)]
            born = f"{member.birth_date:%Y-%m-%d}" if member.birth_date else ""
            lines.append(f"{member.name},{member.branch.code},{born},第{number % 5}组,{'是否'[place % 2]}")
        branch = self.pick(self.branches().open(), number)
        RosterActs.births += 1
        born = BORN + timedelta(days=RosterActs.births)
        lines.append(f"新来{RosterActs.births:04d},{branch.code},{born},,")
        if wrong:
            lines.append("贾无支,没有的支部,1970-01-02,,")
        return "\n".join(lines).encode()

    @rule(
        number=NUMBER,
        people=st.integers(0, 3),
        wrong=st.booleans(),
        partial=st.booleans(),
        mend=st.booleans(),
    )
    def import_roster(self, number, people, wrong, partial, mend):
        officer, root = self.scene.officer, self.scene.officer.organization
        with self.act("import a roster"):
            content = self.sheet(number, people, wrong)
            batch = check_roster(actor=officer, organization=root, file_name="名册.csv", content=content)
            before = Member.objects.count()
            told = store_batch(actor=officer, batch=batch, partial=partial)
            assert store_batch(actor=officer, batch=batch, partial=partial) == told
            assert Member.objects.count() == before + told["created"]
            if mend and wrong:
                mended = content.replace("没有的支部".encode(), self.branches().open()[0].code.encode())
                batch = check_again(actor=officer, batch=batch, content=mended, file_name="名册2.csv")
                again = store_batch(actor=officer, batch=batch, partial=partial)
                assert again["created"] - told["created"] <= 1 and again["updated"] == told["updated"]

    @rule(number=NUMBER)
    def undo_import(self, number):
        stored = ImportBatch.objects.filter(state__in=[ImportState.STORED, ImportState.PARTIAL])
        if batch := self.pick(stored, number):
            with self.act("undo an import"):
                oldest = {one.member_id: one for one in batch.changes.order_by("-pk")}
                undo_batch(actor=self.scene.officer, batch=batch, version=batch.version)
                for pk, change in oldest.items():
                    self.is_as_before(pk, change)

    @staticmethod
    def is_as_before(pk, change):
        member = Member.objects.filter(pk=pk).first()
        if change.is_new:
            assert member is None, change
            return
        for name in set(CHANGED) & set(change.before):
            now = getattr(member, name)
            assert (str(now) if isinstance(now, date) else now) == change.before[name], change
