"""HTTP/1.1 as this server speaks it: one protocol on uvloop and llhttp, with limits, and a drain that loses nothing."""
