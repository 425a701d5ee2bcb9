"""Shapes of what people type about accounts."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm

# Hashing is slow on purpose; nobody types more than this.
LONGEST_PASSWORD = 256


class LoginForm(AuthenticationForm):
    """Refuses an absurdly long password before it is hashed."""

    username = forms.CharField(label="账号", max_length=50)
    password = forms.CharField(
        label="密码", max_length=LONGEST_PASSWORD, strip=False, widget=forms.PasswordInput
    )


class NewPasswordForm(PasswordChangeForm):
    """Old password and a new one, twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "现在的密码"
        self.fields["new_password1"].label = "新密码"
        self.fields["new_password2"].label = "再输一遍新密码"
        for field in self.fields.values():
            field.max_length = LONGEST_PASSWORD
            field.validators.append(forms.fields.validators.MaxLengthValidator(LONGEST_PASSWORD))
            field.help_text = ""
