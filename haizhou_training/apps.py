from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class LedgerConfig(SimpleAdminConfig):
    """Django's admin with our site: 海州冬训台账. Only our own apps are in it, whatever others bring."""

    default_site = "organizations.admin_site.LedgerSite"

    def ready(self):
        super().ready()
        for app in ("organizations", "campaigns", "attendance", "reports"):
            import_module(f"{app}.admin")
