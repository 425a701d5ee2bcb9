"""The demo: an invented district of 海州's shape. Nobody in it exists."""
