"""How a version takes over: shadow, canary, promotion, rollback."""
