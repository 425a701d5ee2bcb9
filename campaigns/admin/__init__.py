from campaigns.admin import campaigns, service, sessions

__all__ = ["campaigns", "service", "sessions"]
