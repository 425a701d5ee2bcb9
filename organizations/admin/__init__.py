from django.contrib import admin
from django.contrib.auth.admin import Group

from organizations.admin import accounts, bulk, members, organizations, records, week

# Roles are five words on the account; Django's groups play no part here.
admin.site.unregister(Group)

__all__ = ["accounts", "bulk", "members", "organizations", "records", "week"]
