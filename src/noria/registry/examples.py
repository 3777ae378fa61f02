"""An example of each event, as MLflow sends them when somebody tests a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TAG = {"key": "example_key", "value": "example_value"}
_TAGS = {"example_key": "example_value"}
_MODEL = {"name": "example_model"}
_PROMPT = {"name": "example_prompt"}
_FIRST = {"version": "1"}
_ALIAS = {"alias": "example_alias"}
_BUDGET = {
    "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
    "duration_unit": "MONTHS", "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default",
    "target_value": "ep-abc123", "window_start": 1704067200000,
}  # fmt: skip

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "registered_model.created": {**_MODEL, "tags": _TAGS, "description": "An example registered model"},
    "model_version.created": {
        **_MODEL, **_FIRST, "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": _TAGS,
        "description": "An example model version",
    },
    "model_version_tag.set": {**_MODEL, **_FIRST, **_TAG},
    "model_version_tag.deleted": {**_MODEL, **_FIRST, "key": "example_key"},
    "model_version_alias.created": {**_MODEL, **_ALIAS, **_FIRST},
    "model_version_alias.deleted": {**_MODEL, **_ALIAS},
    "prompt.created": {**_PROMPT, "tags": _TAGS, "description": "An example prompt"},
    "prompt_version.created": {
        **_PROMPT, **_FIRST, "template": "Hello {{name}}!", "tags": _TAGS,
        "description": "An example prompt version",
    },
    "prompt_tag.set": {**_PROMPT, **_TAG},
    "prompt_tag.deleted": {**_PROMPT, "key": "example_key"},
    "prompt_version_tag.set": {**_PROMPT, **_FIRST, **_TAG},
    "prompt_version_tag.deleted": {**_PROMPT, **_FIRST, "key": "example_key"},
    "prompt_alias.created": {**_PROMPT, **_ALIAS, **_FIRST},
    "prompt_alias.deleted": {**_PROMPT, **_ALIAS},
    "budget_policy.exceeded": _BUDGET,
}  # fmt: skip
