"""Who teaches, and which departments send them."""

from campaigns.models import Department, Lecturer
from organizations.models import Organization, User
from organizations.service import Refused, service
from organizations.services import audit, changes

FIELDS = ("name", "title", "department", "kind")


@service
def create_lecturer(
    *,
    actor: User,
    organization: Organization,
    name: str,
    title: str = "",
    department: Department | None = None,
    kind: str = "",
) -> Lecturer:
    """A lecturer kept by one organization. The same name there again is refused."""
    if not Organization.objects.manageable_by(actor).filter(pk=organization.pk).exists():
        raise Refused("归属党组织不在您的管理范围内。", "scope")
    check_name(organization, name)
    lecturer = Lecturer.objects.create(
        organization=organization, name=name.strip(), title=title.strip(), department=department, kind=kind
    )
    record(actor, lecturer, "lecturer.create", f"登记主讲人{lecturer.name}")
    return lecturer


@service
def change_lecturer(*, actor: User, lecturer: Lecturer, **fields) -> Lecturer:
    """Change name, title, department or kind. Repeating it changes nothing but the audit."""
    if not Lecturer.objects.manageable_by(actor).filter(pk=lecturer.pk).exists():
        raise Refused("这位主讲人由上级登记，请上级修改。", "scope")
    given = {name: fields[name] for name in FIELDS if name in fields}
    if "name" in given:
        check_name(lecturer.organization, given["name"], besides=lecturer)
    before = changes.facts(lecturer, given)
    for name, value in given.items():
        setattr(lecturer, name, value)
    lecturer.save(update_fields=given)
    differences = changes.between(before, changes.facts(lecturer, given))
    record(actor, lecturer, "lecturer.change", f"修改主讲人{lecturer.name}", {"changes": differences})
    return lecturer


@service
def create_department(*, actor: User, name: str, position: int = 0) -> Department:
    """One more department that sends lecturers; shared by everybody, so the top level adds it."""
    if not actor.runs_campaigns or not actor.organization.is_root():
        raise Refused("宣讲部门由最上级的主管登记。", "scope")
    if Department.objects.filter(name=name.strip()).exists():
        raise Refused(f"“{name.strip()}”已经有了。", "name_taken")
    department = Department.objects.create(name=name.strip(), position=position)
    record(actor, department, "department.create", f"登记宣讲部门{department.name}")
    return department


def check_name(organization: Organization, name: str, besides: Lecturer | None = None) -> None:
    same = Lecturer.objects.filter(organization=organization, name=name.strip())
    if same.exclude(pk=besides.pk if besides else None).exists():
        raise Refused(f"“{organization.name}”已经登记过{name.strip()}，直接用那一位。", "name_taken")


def record(
    actor: User, target: Lecturer | Department, action: str, summary: str, details: dict | None = None
) -> None:
    audit.record(
        actor=actor,
        action=action,
        summary=summary,
        target=target,
        organization=target.organization if isinstance(target, Lecturer) else None,
        details=details,
    )
