import re

from django.conf import settings
from django.contrib.auth import password_validation as django_rules
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

# What people here would try first, whatever year or signs they put around it.
GUESSABLE = frozenset(
    (
        *("dangxiao", "dongxun", "dangyuan", "dangjian", "dangwei", "zuzhibu", "zuzhiyuan"),
        *("haizhou", "haizhoudongxun", "zhonghua", "zhongguo", "woaini", "root", "admin"),
        *("password", "passwd", "administrator", "qwerty", "qwertyuiop", "asdfgh"),
    )
)


PHONE = re.compile(r"1[3-9]\d{9}")
NUMBERS = "零一两三四"


# Django's rules hold; its sentences do not: some of them have no Chinese.
class LengthValidator:
    """At least as many characters as the role asks for."""

    def validate(self, password, user=None):
        least = of_role(settings.PASSWORD_MIN_LENGTH, user)
        if len(password) < least:
            raise ValidationError(f"密码太短了，至少要{least}位。", code="password_too_short")

    def get_help_text(self):
        return "不能太短。"


class CommonWordsValidator(django_rules.CommonPasswordValidator):
    """Not among the passwords everybody tries first."""

    def get_error_message(self):
        return "这个密码太常见，一猜就中，请换一个。"

    def get_help_text(self):
        return "不要用“Password123”这类常见的密码。"


class OwnDataValidator(django_rules.UserAttributeSimilarityValidator):
    """Not nearly the account name."""

    def get_error_message(self):
        return "密码和账号太像了，请换一个。"

    def get_help_text(self):
        return "不要和账号相近。"


class LocalWordsValidator:
    """No account name, own name, organization, phone number or local catchword, whatever stands around it."""

    def validate(self, password, user=None):
        plain = password.lower()
        own = [user.username.lower(), user.name, user.organization.name] if user else []
        letters = re.sub(r"[^a-z]", "", plain)
        guessable = letters in GUESSABLE or PHONE.search(plain)
        if guessable or any(len(word) > 1 and word in plain for word in own):
            raise ValidationError(self.get_help_text(), code="password_guessable")

    def get_help_text(self):
        return "密码里不要用账号、姓名、单位名称、手机号，也不要用“dangxiao”这类一猜就中的词。"


class ClassesValidator:
    """Of lower case, upper case, digits and signs as many as the role asks for (GB/T 22239: 复杂度)."""

    def validate(self, password, user=None):
        least = of_role(settings.PASSWORD_CLASSES, user)
        found = sum(bool(re.search(p, password)) for p in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]"))
        if found < least:
            words = f"密码里小写字母、大写字母、数字、符号至少要有{NUMBERS[least]}种。"
            raise ValidationError(words, code="password_too_plain")

    def get_help_text(self):
        return "小写字母、大写字母、数字、符号要混着用。"


class AnotherPasswordValidator:
    """Not the one it replaces."""

    def validate(self, password, user=None):
        if user and user.password and check_password(password, user.password):
            raise ValidationError("新密码不能和现在的一样，请换一个。", code="password_same")

    def get_help_text(self):
        return "不能和现在的一样。"


def of_role(values: dict[str, int], user) -> int:
    """The strictest where nobody is asked about."""
    return values[user.role] if user else max(values.values())


def rules_for(user) -> list[str]:
    """What a new password must be, in words, before it is typed."""
    classes = of_role(settings.PASSWORD_CLASSES, user)
    mixed = f"小写字母、大写字母、数字、符号，至少用{NUMBERS[classes]}种；"
    return [
        f"至少{of_role(settings.PASSWORD_MIN_LENGTH, user)}位；",
        *([mixed] if classes > 1 else []),
        "不用账号、姓名、单位名称、手机号，也不用“dangxiao”“Password123”这类一猜就中的词；",
        "和现在的密码不一样。",
    ]
