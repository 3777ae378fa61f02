"""MLflow's REST protocol, as its clients of versions 2 and 3 speak it, over Noria's tracking and registry."""
