"""What people write about service to residents."""

import re
import uuid

from django import forms
from django.utils import timezone

from campaigns.forms.campaigns import day_field
from campaigns.models import ServiceTask
from organizations.forms.choices import PickField
from organizations.forms.versions import Versioned
from organizations.models import Member, User

NAME_AND_BRANCH = re.compile(r"^(?P<name>[^（(]+)(?:[（(](?P<branch>.+)[）)])?$")
MOST_NAMESAKES = 10


class TaskForm(forms.Form):
    """One thing to be done. The owner is typed by name; namesakes are then told apart by a tap."""

    request_uuid = forms.UUIDField(widget=forms.HiddenInput, required=False)
    title = forms.CharField(label="什么事", max_length=100, error_messages={"required": "请写清是什么事。"})
    kind = forms.ChoiceField(
        label="种类", choices=ServiceTask.Kind.choices, initial="PROBLEM", widget=forms.RadioSelect
    )
    unit = PickField(
        label="承办单位",
        queryset=None,
        empty_label=None,
        error_messages={"invalid_choice": "这个单位不在您的管理范围内，请重新选择。"},
    )
    beneficiary = forms.CharField(
        label="服务对象", max_length=100, required=False, help_text="户主或单位，写到村即可。"
    )
    owner = forms.CharField(
        label="承办党员", max_length=160, required=False, help_text="输入姓名，可在提示里选。"
    )
    owner_pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    deadline = day_field("办理期限", required=False)
    detail = forms.CharField(
        label="情况", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args, user: User, units, **kwargs):
        kwargs["initial"] = {"request_uuid": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.user = user
        self.namesakes: list[Member] = []
        self.fields["unit"].queryset = units
        self.fields["deadline"].widget.attrs["min"] = str(timezone.localdate())

    def clean(self):
        cleaned = super().clean()
        cleaned["owner"] = self.find_owner(cleaned.get("owner", ""), cleaned.pop("owner_pk", None))
        return cleaned

    def find_owner(self, text: str, pk: int | None) -> Member | None:
        """The member meant by 姓名 or 姓名（党支部); several of that name are offered to choose from."""
        match = NAME_AND_BRANCH.match(text.strip())
        if not match:
            return None
        found = Member.objects.manageable_by(self.user).present().filter(name=match["name"].strip())
        if match["branch"]:
            found = found.filter(branch__name=match["branch"].strip())
        members = list(
            found.select_related("branch").order_by("branch__path", "place_in_list")[:MOST_NAMESAKES]
        )
        chosen = [member for member in members if member.pk == pk] or members
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            self.namesakes = chosen
            self.add_error("owner", f"叫“{match['name']}”的有{len(chosen)}人，请点一下是哪一位。")
        else:
            self.add_error("owner", f"管理范围内没有叫“{match['name']}”的党员，请核对姓名；也可以先不填。")
        return None


class TaskChangeForm(Versioned, TaskForm):
    """What was written down, to be corrected; the unit stays."""

    def __init__(self, *args, user: User, task: ServiceTask, **kwargs):
        owner = f"{task.owner.name}（{task.owner.branch.name}）" if task.owner else ""
        kept = {name: getattr(task, name) for name in ("title", "kind", "beneficiary", "deadline", "detail")}
        super().__init__(*args, user=user, units=None, initial={**kept, "owner": owner}, **kwargs)
        self.task = task
        del self.fields["unit"], self.fields["request_uuid"]
        self.fields["deadline"].widget.attrs.pop("min")
        self.stamp()

    def find_owner(self, text: str, pk: int | None) -> Member | None:
        """An owner nobody touched stays, even one who has moved away since."""
        if text.strip() == self.initial["owner"]:
            return self.task.owner
        return super().find_owner(text, pk)


class StepForm(forms.Form):
    """One step in a task's life: a text, and for a result its day."""

    text = forms.CharField(max_length=2000, required=False)
    day = day_field("办结日期", required=False)
