"""`kill -9` of trainers and of their server: every acknowledged point is there, once. `benchmarks/` does it longer."""

from client_killing import Campaign


def test_no_acknowledged_point_is_lost_or_doubled_by_kills_on_sqlite(tmp_path):
    verdict = Campaign(tmp_path, kills=20, seed=7).run()
    assert verdict.good, verdict


def test_no_acknowledged_point_is_lost_or_doubled_by_kills_on_postgresql(tmp_path, postgresql):
    url = postgresql.url.render_as_string(hide_password=False)
    verdict = Campaign(tmp_path, kills=6, seed=8, database=url).run()
    assert verdict.good, verdict
