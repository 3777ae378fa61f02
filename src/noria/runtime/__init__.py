"""Durable work: runs made of steps, leased with fencing, that survive the death of any worker."""
