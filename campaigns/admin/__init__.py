from campaigns.admin import campaigns, service, sessions, week

__all__ = ["campaigns", "service", "sessions", "week"]
