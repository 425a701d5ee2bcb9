from django.contrib.auth.backends import ModelBackend

from organizations.models import User


class AccountBackend(ModelBackend):
    """Name and password; the organization comes in the same query because every page asks for it."""

    def get_user(self, user_id):
        user = User.objects.select_related("organization").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
