from functools import reduce
from operator import or_
from unicodedata import normalize

from django.conf import settings
from django.db import models
from django.db.models.functions import StrIndex, Substr
from django.db.models.lookups import GreaterThan

from organizations.fields import EncryptedField, digest, mask_id_number, mask_phone
from organizations.lookups import Begins
from organizations.models.organizations import Organization
from organizations.tree import within

PHONE_LENGTH, TAIL_LENGTH = 11, 4
# 建国 finds 欧阳建国 too. The database keeps this list: a longer one is a migration.
DOUBLE_SURNAMES = (
    "欧阳 司马 诸葛 上官 夏侯 尉迟 皇甫 公孙 慕容 令狐 宇文 长孙 东方 司徒 端木 独孤 南宫 轩辕 百里 呼延 "
    "澹台 单于 万俟 闻人 申屠 太史 淳于 钟离 濮阳 赫连 公冶 公羊 宗政 鲜于 闾丘 司空 亓官 仲孙 梁丘 左丘"
)
BEGINS = Begins.lookup_name


class Category(models.TextChoices):
    FULL = "FULL", "正式党员"
    PROBATIONARY = "PROBATIONARY", "预备党员"


class Sex(models.TextChoices):
    MALE = "M", "男"
    FEMALE = "F", "女"


class Post(models.TextChoices):
    """党内职务, as far as it decides the hours target: secretaries and committee members 56, others 32."""

    NONE = "", "无"
    SECRETARY = "SECRETARY", "书记"
    DEPUTY_SECRETARY = "DEPUTY_SECRETARY", "副书记"
    COMMITTEE_MEMBER = "COMMITTEE_MEMBER", "委员"


class Precision(models.TextChoices):
    """How much of a day is known; what is not known is stored as the first."""

    DAY = "day", "日"
    MONTH = "month", "月"
    YEAR = "year", "年"


# Days of which a roster often knows the month or the year only, and what tells.
PRECISION_OF = {"birth_date": "birth_precision", "joined_party_on": "joined_party_precision"}


def behind_surname(column: str) -> models.Case:
    """What `column` (the name, or its initials) holds behind the surname's one or two characters."""
    # No blank behind the commas: Django's own reading of a SQLite table would stumble over a lone "1".
    head = models.Func("name", function="SUBSTR", template="%(function)s(%(expressions)s,1,2)")
    is_double = GreaterThan(StrIndex(models.Value(DOUBLE_SURNAMES), head), 0)
    return models.Case(models.When(is_double, then=Substr(column, 3)), default=Substr(column, 2))


def named(text: str, prefix: str = "") -> models.Q:
    """People by what is typed into a search: 王建国, 王, 建国, wjg, jg, the last four digits of the phone
    or all eleven. `prefix` leads to the member."""
    text = "".join(normalize("NFKC", text).split())
    if text.isdecimal():
        return _numbered(text, prefix)
    # Initials are Latin letters: who types Chinese need not look among them.
    ways = {"name": text, "given_name": text}
    if text.isascii():
        ways = {"name": text, "initials": text.lower(), "given_initials": text.lower()}
    return reduce(or_, (models.Q(**{f"{prefix}{column}__{BEGINS}": word}) for column, word in ways.items()))


def _numbered(text: str, prefix: str) -> models.Q:
    if len(text) == PHONE_LENGTH:
        return models.Q(**{f"{prefix}phone_digest": digest(text)})
    # Nobody has a tail of any other length.
    return models.Q(**{f"{prefix}phone_tail": text if len(text) == TAIL_LENGTH else "-"})


class MemberQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Members of branches in the account's subtree: the only place this rule is written."""
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("branch__path", user.organization.path))

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()

    def present(self):
        """Members who have not left."""
        return self.filter(left_on__isnull=True)

    def search(self, text: str):
        return self.filter(named(text))


class Member(models.Model):
    """One Party member, in one branch now. Never deleted: `left_on` and a reason end the membership here."""

    branch = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="members", verbose_name="所在党支部"
    )
    branch_since = models.DateField("转入本支部日期", null=True, blank=True)
    name = models.CharField("姓名", max_length=50)
    initials = models.CharField("姓名首字母", max_length=50, blank=True, editable=False)
    # Behind the surname: 建国 and jg find 王建国. The database keeps both.
    given_name = models.GeneratedField(
        expression=behind_surname("name"), output_field=models.CharField(max_length=50), db_persist=True
    )
    given_initials = models.GeneratedField(
        expression=behind_surname("initials"), output_field=models.CharField(max_length=50), db_persist=True
    )
    sex = models.CharField("性别", max_length=1, choices=Sex, blank=True)
    birth_date = models.DateField("出生日期", null=True, blank=True)
    birth_precision = models.CharField(max_length=5, choices=Precision, default="day", editable=False)
    category = models.CharField("人员类别", max_length=12, choices=Category, default=Category.FULL)
    post = models.CharField("党内职务", max_length=20, choices=Post, blank=True, default=Post.NONE)
    party_group = models.CharField("党小组", max_length=50, blank=True)
    place_in_list = models.PositiveIntegerField("名册顺序", default=0)
    joined_party_on = models.DateField("入党日期", null=True, blank=True)
    joined_party_precision = models.CharField(
        max_length=5, choices=Precision, default="day", db_default="day", editable=False
    )
    is_floating = models.BooleanField("流动党员", default=False)
    floating_to = models.CharField("外出流向", max_length=100, blank=True)
    contact_person = models.CharField(
        "联系人", max_length=50, blank=True, help_text="负责联系这位流动党员的人。"
    )
    is_home_bound = models.BooleanField("居家（需送学上门）", default=False)
    is_in_difficulty = models.BooleanField("困难党员", default=False)
    id_number = EncryptedField("身份证号", blank=True, default="")
    id_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    phone = EncryptedField("手机", blank=True, default="")
    phone_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    # The last four digits, which every mask shows anyway: people are found by them.
    phone_tail = models.CharField(max_length=4, blank=True, default="", editable=False)
    # The same person was registered twice: this record gave way to that one.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from", editable=False
    )
    left_on = models.DateField("离开日期", null=True, blank=True)
    left_reason = models.CharField("离开原因", max_length=100, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = "党员"
        verbose_name_plural = "党员"
        ordering = ["branch__path", "place_in_list", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["id_digest"],
                condition=~models.Q(id_digest=""),
                name="organizations_one_member_per_id_number",
            ),
        ]
        indexes = [
            models.Index(fields=["branch", "place_in_list", "id"], name="member_by_branch"),
            # By what they begin with; PostgreSQL wants that said. SQLite ignores it.
            models.Index(fields=["name"], name="member_by_name_start", opclasses=["varchar_pattern_ops"]),
            models.Index(
                fields=["initials"], name="member_by_initials_start", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(
                fields=["given_name"], name="member_by_given_name", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(
                fields=["given_initials"], name="member_by_given_initials", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(fields=["phone_tail"], name="member_by_phone_tail"),
            models.Index(fields=["phone_digest"], name="member_by_phone"),
            models.Index(
                fields=["branch"],
                name="member_without_number",
                condition=models.Q(id_digest="", left_on__isnull=True),
            ),
            models.Index(
                fields=["branch"], name="member_who_left", condition=models.Q(left_on__isnull=False)
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def masked_id_number(self) -> str:
        return mask_id_number(self.id_number)

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)


class NotTwins(models.Model):
    """Somebody said that two alike records are two persons. No row means nobody has looked yet.

    `lesser` has the smaller key, so that a pair is one row.
    """

    lesser = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    greater = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lesser", "greater"], name="organizations_one_word_per_pair")
        ]

    def __str__(self):
        return f"{self.lesser}≠{self.greater}"
