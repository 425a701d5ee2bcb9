from campaigns.queries.campaigns import current_campaign, home_unit

__all__ = ["current_campaign", "home_unit"]
