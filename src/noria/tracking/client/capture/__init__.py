"""What is noted of a run without being asked: code, environment, and how the machine fared."""
