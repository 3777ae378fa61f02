"""The expectations that can be checked, one file a family; `catalogue.py` lists them all."""
