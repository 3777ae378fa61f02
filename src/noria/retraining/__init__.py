"""When the wheel turns: triggers, the durable turn, the controller, the replay."""
