"""The ground floor: errors, ids, clock, units, rules, schema, digests. No I/O, imports nothing of ours."""
