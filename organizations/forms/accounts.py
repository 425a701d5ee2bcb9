"""Shapes of what people type about accounts."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm

from organizations.forms.choices import PickField, PicksField
from organizations.models import Organization, Role, User

# Hashing is slow on purpose; nobody types more than this.
LONGEST_PASSWORD = 128


class LoginForm(AuthenticationForm):
    """Refuses an absurdly long password before it is hashed."""

    username = forms.CharField(label="账号", max_length=50)
    password = forms.CharField(
        label="密码", max_length=LONGEST_PASSWORD, strip=False, widget=forms.PasswordInput
    )

    remember = forms.BooleanField(required=False)


class NewPasswordForm(PasswordChangeForm):
    """Old password and a new one, twice."""

    error_messages = {
        "password_mismatch": "两次输入的新密码不一样，请再输一遍。",
        "password_incorrect": "现在的密码不对，请再输一遍。",
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "现在的密码"
        self.fields["new_password1"].label = "新密码"
        self.fields["new_password2"].label = "再输一遍新密码"
        for field in self.fields.values():
            field.max_length = LONGEST_PASSWORD
            field.validators.append(forms.fields.validators.MaxLengthValidator(LONGEST_PASSWORD))
            field.help_text = ""


def roles_for(user: User) -> list[tuple[str, str]]:
    """The roles this account may hand out; the service checks the same against `manageable_by`."""
    given = Role if user.role == Role.OFFICER else (Role.ORGANIZER, Role.RECORDER, Role.INSPECTOR)
    return [(role.value, role.label) for role in given]


def with_place(organizations) -> list[tuple[int, str]]:
    """Choices that tell the first branches of two villages apart: 望潮镇党委 · 东湾村党支部."""
    names, found = {}, []
    for one in organizations.order_by("path"):
        names[one.path] = one.name
        above = names.get(one.path[: -Organization.steplen])
        # The one at the top stands before everything and tells nothing apart.
        is_top = len(one.path) <= 2 * Organization.steplen
        found.append((one.pk, one.name if is_top or not above else f"{above} · {one.name}"))
    return found


def username_field():
    return forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{2,49}$",
        label="账号",
        max_length=50,
        help_text="3 个字符以上的小写字母、数字，登录时用。",
        error_messages={"invalid": "账号只能用小写字母、数字和 . _ -，至少 3 个字符。"},
    )


def reaches_above(form: forms.Form) -> bool:
    """A role or a place was sent that the page did not offer."""
    picked = ("role", "organization", "organizations")
    errors = form.errors.as_data()
    return any(
        error.code in ("invalid_choice", "invalid_pk_value")
        for name in picked
        for error in errors.get(name, [])
    )


class AccountForm(forms.Form):
    """One new account."""

    organization = PickField(label="党组织", queryset=None, empty_label="请选择")
    role = forms.ChoiceField(label="角色")
    name = forms.CharField(label="使用人姓名", max_length=50)
    username = username_field()

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        mine = Organization.objects.manageable_by(user).open()
        self.fields["organization"].queryset = mine
        self.fields["organization"].choices = [("", "请选择"), *with_place(mine)]
        self.fields["role"].choices = roles_for(user)


class HandOverForm(forms.Form):
    """Who takes an account over. The name they log in with is their own, never the old one."""

    name = forms.CharField(label="接手人姓名", max_length=50)
    username = username_field()


class TickedForm(forms.Form):
    """Accounts ticked on the list; the service says which of them are the sender's business."""

    ids = forms.TypedMultipleChoiceField(coerce=int)
    request_uuid = forms.UUIDField()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        sent = self.data.getlist("ids")[:500]
        self.fields["ids"].choices = [
            (text, text) for text in sent if text.isascii() and text.isdecimal() and len(text) < 19
        ]


class BulkAccountForm(forms.Form):
    """One new account of the same role for each chosen organization."""

    role = forms.ChoiceField(label="角色")
    organizations = PicksField(
        label="党组织", queryset=None, error_messages={"required": "请至少勾选一个党组织。"}
    )

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["organizations"].queryset = Organization.objects.manageable_by(user).open()
        self.fields["role"].choices = roles_for(user)
