import re

from django.contrib.auth import password_validation as django_rules
from django.core.exceptions import ValidationError

# What people here would try first, whatever year or signs they put around it.
GUESSABLE = frozenset(
    (
        *("dangxiao", "dongxun", "dangyuan", "dangjian", "dangwei", "zuzhibu", "zuzhiyuan"),
        *("haizhou", "haizhoudongxun", "zhonghua", "zhongguo", "woaini", "root", "admin"),
        *("password", "passwd", "administrator", "qwerty", "qwertyuiop", "asdfgh"),
    )
)


# Django's rules hold; its sentences do not: some of them have no Chinese.
class LengthValidator(django_rules.MinimumLengthValidator):
    """At least `min_length` characters."""

    def get_error_message(self):
        return f"密码太短了，至少要{self.min_length}位。"

    def get_help_text(self):
        return f"至少{self.min_length}位。"


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
    """No account name, own name, organization or local catchword, with or without a year behind it."""

    def validate(self, password, user=None):
        plain = password.lower()
        own = [user.username.lower(), user.name, user.organization.name] if user else []
        letters = re.sub(r"[^a-z]", "", plain)
        if letters in GUESSABLE or any(len(word) > 1 and word in plain for word in own):
            raise ValidationError(self.get_help_text(), code="password_guessable")

    def get_help_text(self):
        return "密码里不要用账号、姓名、单位名称，也不要用“dangxiao”这类一猜就中的词。"


class ThreeClassesValidator:
    """At least three of: lower case, upper case, digits, signs (GB/T 22239 asks for 复杂度)."""

    def validate(self, password, user=None):
        classes = sum(bool(re.search(p, password)) for p in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]"))
        if classes < 3:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self):
        return "密码里小写字母、大写字母、数字、符号至少要有三种。"
