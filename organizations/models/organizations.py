from django.db import models
from treebeard.mp_tree import MP_Node, MP_NodeManager, MP_NodeQuerySet

from organizations.tree import holds, within


class OrganizationKind(models.TextChoices):
    COMMITTEE = "COMMITTEE", "党委"
    WORK_COMMITTEE = "WORK_COMMITTEE", "党工委"
    GENERAL_BRANCH = "GENERAL_BRANCH", "党总支"
    BRANCH = "BRANCH", "党支部"
    JOINT_BRANCH = "JOINT_BRANCH", "联合党支部"
    TEMPORARY_BRANCH = "TEMPORARY_BRANCH", "临时党支部"
    FLOATING_BRANCH = "FLOATING_BRANCH", "流动党员党支部"


# Only these hold members; a 党小组 is text on the member, never an organization.
BRANCH_KINDS = (
    OrganizationKind.BRANCH,
    OrganizationKind.JOINT_BRANCH,
    OrganizationKind.TEMPORARY_BRANCH,
    OrganizationKind.FLOATING_BRANCH,
)


class OrganizationQuerySet(MP_NodeQuerySet):
    def visible_to(self, user):
        """The account's organization and everything below it: the only place this rule is written."""
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("path", user.organization.path))

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()

    def below(self, organization):
        """The organization itself and its whole subtree."""
        return self.filter(within("path", organization.path))

    def open(self):
        return self.filter(closed_on__isnull=True)

    def branches(self):
        return self.filter(kind__in=BRANCH_KINDS)

    def search(self, text: str):
        """By a part of the name or the beginning of the code."""
        text = text.strip()
        return self.filter(models.Q(name__contains=text) | models.Q(code__startswith=text))


class OrganizationManager(MP_NodeManager.from_queryset(OrganizationQuerySet)):
    # Without this, treebeard's manager would hand out its own queryset class.
    def get_queryset(self):
        return OrganizationQuerySet(self.model, using=self._db).order_by("path")


class Organization(MP_Node):
    """One Party organization. `path` order is the fixed order in which units are listed everywhere."""

    path = models.CharField(max_length=255, unique=True)
    code = models.CharField(
        "党组织代码", max_length=64, unique=True, help_text="上级编定的代码；没有可自编，不能重复。"
    )
    name = models.CharField("名称", max_length=100)
    kind = models.CharField("类别", max_length=20, choices=OrganizationKind)
    contact_name = models.CharField("联系人", max_length=50, blank=True)
    contact_phone = models.CharField("联系电话", max_length=30, blank=True)
    closed_on = models.DateField("撤销日期", null=True, blank=True)

    node_order_by = []
    objects = OrganizationManager()

    class Meta:
        verbose_name = "党组织"
        verbose_name_plural = "党组织"

    def __str__(self):
        return self.name

    @property
    def holds_people(self) -> bool:
        return self.kind in BRANCH_KINDS

    def contains(self, other) -> bool:
        return holds(self.path, other.path)
