import re

from django.core.exceptions import ValidationError


class ThreeClassesValidator:
    """At least three of: lower case, upper case, digits, signs (GB/T 22239 asks for 复杂度)."""

    def validate(self, password, user=None):
        classes = sum(bool(re.search(p, password)) for p in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9]"))
        if classes < 3:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self):
        return "密码里小写字母、大写字母、数字、符号至少要有三种。"
