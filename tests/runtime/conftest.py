import pytest

pytest.register_assert_rewrite(
    "noria.testing.runtime_suite", "noria.testing.runtime_survival_suite", "noria.testing.runtime_process"
)
