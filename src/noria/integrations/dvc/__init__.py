"""DVC both ways: its metafiles and cache become versions of data, and versions of data become what DVC checks out."""
