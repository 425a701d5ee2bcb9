from django.contrib.admin.apps import AdminConfig


class LedgerConfig(AdminConfig):
    """Django's admin with our site: 海州冬训台账."""

    default_site = "organizations.admin_base.LedgerSite"
