"""Rosters of thousands: stored whole or not at all, and no list of errors grows without end."""

from random import Random

import pytest
from cryptography.fernet import InvalidToken
from django.db import connection

from organizations.fields import decrypt, encrypt_many
from organizations.imports import whole
from organizations.models import ImportBatch, ImportChange, ImportState, Member
from organizations.services import imports
from tests.base import Cast

PEOPLE = 5000


def of_many(lines) -> bytes:
    return "\n".join(["姓名,所在党支部,出生年月,手机", *lines]).encode()


def checked(cast, content):
    return imports.check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.csv", content=content
    )


class Killed(BaseException):
    """What no except clause of ours may catch."""


class KillAtThirdPiece:
    """Members are written some thousand in a statement; the third one is the last act."""

    def __init__(self):
        self.written = 0

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "organizations_member"'):
            self.written += 1
            if self.written == 3:
                raise Killed
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_nobody_is_stored_and_again_everybody():
    cast = Cast()
    first = ord("一")
    names = [f"张{chr(first + n)}" for n in range(PEOPLE)]
    batch = checked(cast, of_many(f"{name},北山村党支部,1970-01-01," for name in names))
    before = Member.objects.count()
    with pytest.raises(Killed), connection.execute_wrapper(KillAtThirdPiece()):
        imports.store_batch(actor=cast.north_organizer, batch=batch)
    assert (Member.objects.count(), ImportChange.objects.count()) == (before, 0)
    assert ImportBatch.objects.get(pk=batch.pk).state == ImportState.CHECKED
    assert imports.store_batch(actor=cast.north_organizer, batch=batch)["created"] == PEOPLE
    assert (Member.objects.count(), ImportChange.objects.count()) == (before + PEOPLE, PEOPLE)


@pytest.mark.django_db
def test_of_thousands_of_errors_a_thousand_are_listed_and_all_are_counted():
    cast = Cast()
    batch = checked(cast, of_many(f"张{n},没有的支部,2月30日,123" for n in range(PEOPLE)))
    counts = batch.verdict["counts"]
    assert (counts["error_rows"], counts["errors"]) == (PEOPLE, 4 * PEOPLE)
    assert len(batch.verdict["errors"]) == 1000


@pytest.mark.django_db
def test_thousands_of_one_name_are_told_in_good_time():
    """Each against each would be twelve million comparisons."""
    cast = Cast()
    batch = checked(cast, of_many("张一,北山村党支部,1970-01-01," for _ in range(PEOPLE)))
    assert batch.verdict["counts"]["error_rows"] == PEOPLE
    assert "等 4999 行" in batch.verdict["errors"][0]["message"]


def test_numbers_encrypted_together_are_like_any_other():
    texts = ["320706196507123411", "13800001111", "1" * 16, "张", "1" * 100] * 3
    tokens = encrypt_many(texts)
    assert [decrypt(token) for token in tokens] == texts
    assert len(set(tokens)) == len(tokens)
    assert encrypt_many([]) == []


def test_a_changed_token_is_no_number():
    [token] = encrypt_many(["320706196507123411"])
    at = len(token) // 2
    with pytest.raises(InvalidToken):
        decrypt(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :])


def namesakes(ids: list[str]) -> list[whole.Line]:
    facts = dict.fromkeys(("birth", "member", "stored_place"))
    facts |= {"sheet": "", "is_person": True, "set_aside": False, "is_settled": False}
    return [
        whole.Line(number=at, name="张一", branch=1, id_digest=one, **facts)
        for at, one in enumerate(ids, start=2)
    ]


def test_thousands_of_one_number_are_not_read_for_each_of_them(monkeypatch):
    asked = []
    is_same = whole.is_same_id
    monkeypatch.setattr(whole, "is_same_id", lambda *two: asked.append(1) or is_same(*two))
    lines = namesakes([*["a"] * PEOPLE, "b"])
    whole.refuse_repeated_names(lines)
    assert len(asked) < 20 * PEOPLE
    assert "第 5002 行同名" in lines[0].warnings[0].message.replace(f"等 {PEOPLE} 行", "")


def test_the_namesakes_named_are_the_first_of_another_number():
    for seed in range(200):
        chance = Random(seed)
        lines = namesakes(chance.choices(["", "a", "b", "c"], [1, 3, 3, 1], k=chance.randint(2, 40)))
        told = whole.first_of_each_id(lines)
        for line in lines:
            others = [o for o in lines if o is not line and not whole.is_same_id(line, o)]
            named = "、".join(whole.place(other) for other in others[: whole.PLACES_SHOWN])
            assert whole.others_of(line, lines, told).partition("等")[0] == named
