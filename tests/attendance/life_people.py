"""Acts of a random life: people and branches."""

from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import rule

from attendance.queries.confirming import numbers, roster_history
from attendance.queries.differences import roster_differences
from attendance.services.adopting import adopt_differences
from attendance.services.confirming import confirm_roster
from attendance.services.merging import merge_people
from attendance.services.moving import accept_transfer, merge_branch, move_member
from attendance.services.roster import end_waiver, set_waiver
from attendance.services.tree import adopt_tree
from organizations.models import Member, Organization, TransferRequest
from organizations.services.members import change_member, create_member, leave_member
from organizations.services.organizations import (
    change_organization,
    close_organization,
    create_organization,
    move_organization,
)
from organizations.services.transfer_requests import ask_transfer, decline_request, withdraw_request
from organizations.services.transfers import return_member
from tests.attendance.life_scene import (
    DAYS,
    NUMBER,
    Being,
    ago,
)
from tests.base import fixture_writes


class PeopleActs(Being):
    """Waivers, moves, leaving, coming back; branches that appear, merge and move; adopting all that."""

    # --- People ----------------------------------------------------------------------------------
    @rule(number=NUMBER, days=DAYS)
    def waive(self, number, days):
        with self.act("waive"):
            set_waiver(
                actor=self.scene.officer,
                entry=self.pick(self.entries(), number),
                reason="OLD_AGE",
                since=ago(days),
            )

    @rule(number=NUMBER, days=DAYS)
    def end_waiver(self, number, days):
        if entry := self.pick(self.entries().filter(required=False), number):
            with self.act("end a waiver"):
                end_waiver(actor=self.scene.officer, entry=entry, until=ago(days))

    @rule(who=NUMBER, number=NUMBER, to=NUMBER, days=DAYS)
    def move(self, who, number, to, days):
        with self.act("move"):
            move_member(
                actor=self.actor(who),
                member=self.pick(Member.objects.present(), number),
                to_branch=self.pick(self.branches().open(), to),
                day=ago(days),
            )

    @rule(number=NUMBER, where=NUMBER, days=DAYS)
    def ask(self, number, where, days):
        """Outside the scope of whoever has the member now; to a place that is there, or is not."""
        member = self.pick(Member.objects.present(), number)
        asker = self.keeper_of(member.branch)
        wanted = self.pick(self.branches(), where).name if where % 4 else "没有的地方"
        with self.act("ask for a transfer"):
            ask_transfer(actor=asker, member=member, wanted=wanted, day=ago(days))

    @rule(
        number=NUMBER, to=NUMBER, how=st.sampled_from(["accept", "accept", "accept", "decline", "withdraw"])
    )
    def answer(self, number, to, how):
        """What waits; now and then what was answered before, by the wrong side, or into any branch."""
        asked = TransferRequest.objects.all()
        waiting = asked.filter(state="WAITING")
        request = self.pick(waiting if number % 4 and waiting.exists() else asked, number)
        if request is None:
            return self.ask(number, to, number % 3)
        actor = self.scene.officer if to % 3 else self.keeper_of(request.addressee)
        own = Organization.objects.manageable_by(actor).branches().open()
        branch = self.pick(own if to % 7 else self.branches(), to)
        with self.act(f"{how} a transfer"):
            if how == "accept":
                accept_transfer(actor=actor, request=request, to_branch=branch)
            elif how == "decline":
                decline_request(actor=self.scene.officer, request=request, reason="查无此人")
            else:
                withdraw_request(actor=self.scene.officer, request=request)

    def keeper_of(self, branch):
        """The organizer of the township it belongs to today."""
        keepers = (self.scene.north_organizer, self.scene.south_organizer)
        for keeper in keepers:
            keeper.organization.refresh_from_db()
        return next((one for one in keepers if one.organization.contains(branch)), self.scene.officer)

    @rule(number=NUMBER, days=DAYS)
    def leave(self, number, days):
        with self.act("leave"):
            leave_member(
                actor=self.scene.officer,
                member=self.pick(Member.objects.all(), number),
                left_on=ago(days),
                reason="其他",
            )

    @rule(number=NUMBER, to=NUMBER, days=DAYS)
    def come_back(self, number, to, days):
        if member := self.pick(Member.objects.filter(left_on__isnull=False), number):
            branch = member.branch if to % 2 else self.pick(self.branches().open(), to)
            gone = (ago(0) - member.left_on).days
            with self.act("return"):
                return_member(
                    actor=self.scene.officer, member=member, branch=branch, day=ago(days % (gone + 1))
                )

    @rule(who=NUMBER, number=NUMBER, to=NUMBER)
    def merge_two_records(self, who, number, to):
        """Anybody and anybody: what they were called never mattered. Now and then clicked twice."""
        winner = self.pick(Member.objects.filter(merged_into__isnull=True), number)
        loser = self.pick(Member.objects.exclude(pk=winner.pk), to)
        with self.act("merge two records"):
            merge_people(actor=self.actor(who), winner=winner, loser=loser)
            assert not merge_people(actor=self.actor(who), winner=winner, loser=loser)

    @rule(
        number=NUMBER,
        what=st.sampled_from(["is_floating", "is_home_bound", "post", "category"]),
        yes=st.booleans(),
    )
    def edit(self, number, what, yes):
        values = {"post": ("", "SECRETARY"), "category": ("FULL", "PROBATIONARY")}.get(what, (False, True))
        member = self.pick(Member.objects.present(), number)
        with self.act("edit"):
            change_member(actor=self.scene.officer, member=member, **{what: values[yes]})

    @rule(number=NUMBER)
    def newcomer(self, number):
        with self.act("new member"):
            name = f"新来{Member.objects.count()}"
            create_member(actor=self.scene.officer, branch=self.pick(self.branches(), number), name=name)

    def _adopt(self, where):
        unit = self.units().get(organization=getattr(self.scene, where))
        with self.act("adopt"):
            adopt_tree(actor=self.scene.officer, unit=unit)
            adopt_differences(actor=self.scene.officer, unit=unit)
            if where == "district":
                assert adopt_differences(actor=self.scene.officer, unit=unit).total == 0

    @rule(who=NUMBER, number=NUMBER)
    def adopt_one(self, who, number):
        """Somebody ticked one person of the list, who may not differ at all."""
        actor = self.actor(who)
        member = self.pick(Member.objects.all(), number)
        unit = self.units().get(organization=actor.organization)
        with self.act("adopt one"):
            adopt_differences(actor=actor, unit=unit, members=[member.pk])
            assert adopt_differences(actor=actor, unit=unit, members=[member.pk]).total == 0

    @rule(who=NUMBER, knowing=st.booleans())
    def confirm(self, who, knowing):
        """The whole place, with or without what still differs; the same page twice is one confirmation."""
        actor = self.actor(who)
        unit = self.units().get(organization=actor.organization)
        last = unit.confirmations.first()
        shown = {
            "after": last.pk if last else 0,
            "knowing": roster_differences(unit).total if knowing else 0,
            "seen": numbers(unit),
        }
        with self.act("confirm the roster"):
            made = confirm_roster(actor=actor, unit=unit, **shown)
            assert confirm_roster(actor=actor, unit=unit, **shown) == made != last
            assert roster_history(unit, since=made.confirmed_at).count() == 0

    # Twice in the urn: without it neither leaving, coming back nor a new branch reaches a figure.
    places = st.sampled_from(["district", "district", "north", "south"])
    adopt, adopt_more = rule(where=places)(_adopt), rule(where=places)(_adopt)

    # --- Branches --------------------------------------------------------------------------------
    @rule(in_north=st.booleans())
    def new_branch(self, in_north):
        if self.branches().open().count() > 7:
            return
        parent = self.scene.north if in_north else self.scene.south
        code = f"{parent.code}N{Organization.objects.count()}"
        with self.act("new branch"):
            create_organization(actor=self.scene.officer, parent=parent, code=code, name=code, kind="BRANCH")

    @rule(number=NUMBER, to=NUMBER, days=DAYS)
    def merge(self, number, to, days):
        branch = self.pick(self.branches().open(), number)
        with self.act("merge branches"):
            merge_branch(
                actor=self.scene.officer,
                branch=branch,
                to_branch=self.pick(self.branches().open().exclude(pk=branch.pk), to) or branch,
                day=ago(days % 2),
            )
            close_organization(actor=self.scene.officer, organization=branch)

    @rule(number=NUMBER)
    def rename(self, number):
        with self.act("rename a branch"):
            branch = self.pick(self.branches(), number)
            change_organization(actor=self.scene.officer, organization=branch, name=f"改名{uuid4().hex[:6]}")

    @rule(who=NUMBER, number=NUMBER, to_north=st.booleans())
    def new_parent(self, who, number, to_north):
        if number % 3:
            return
        parent = self.scene.north if to_north else self.scene.south
        branch = self.pick(self.branches(), number)
        with self.act("move a branch"):
            move_organization(actor=self.actor(who), organization=branch, parent=parent)
            self.moved_places = True

    @rule(number=NUMBER, to_north=st.booleans())
    def new_place(self, number, to_north):
        """Another place in the list, which shifts the others: no page does it, but it may be done."""
        if number % 5 == 0:
            parent = self.scene.north if to_north else self.scene.south
            branch = self.pick(self.branches(), number)
            with fixture_writes():
                Organization.objects.move(branch, Organization.objects.get(pk=parent.pk), "first-child")
                self.moved_places = True
