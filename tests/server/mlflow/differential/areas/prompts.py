"""Prompts, which are registered models with a tag."""

import mlflow
import mlflow.genai


def calls(rec):
    c = rec.client
    rec.call(
        "register",
        mlflow.genai.register_prompt,
        "greet",
        "Hello {{name}}",
        commit_message="first",
        tags={"team": "ops"},
    )
    rec.call(
        "register again", mlflow.genai.register_prompt, "greet", "Good day {{name}}, {{age}}", commit_message="second"
    )
    rec.call(
        "register a chat",
        mlflow.genai.register_prompt,
        "chat",
        [{"role": "user", "content": "Hi {{x}}"}],
        response_format={"type": "object"},
    )
    rec.call("register with a bad name", mlflow.genai.register_prompt, "a/b", "x")
    rec.call(
        "register with the name of a model",
        lambda: (c.create_registered_model("taken"), mlflow.genai.register_prompt("taken", "x")),
    )
    rec.call("register a model with the name of a prompt", c.create_registered_model, "greet")
    rec.call("load", mlflow.genai.load_prompt, "greet", 1)
    rec.call("load by address", mlflow.genai.load_prompt, "prompts:/greet/2")
    rec.call("load the latest", mlflow.genai.load_prompt, "prompts:/greet@latest")
    rec.call("load one that is not there", mlflow.genai.load_prompt, "prompts:/greet/99")
    rec.call("load nobody", mlflow.genai.load_prompt, "nobody", 1)
    rec.call("load nobody, allowed", mlflow.genai.load_prompt, "nobody", 1, allow_missing=True)
    rec.call("alias", mlflow.genai.set_prompt_alias, "greet", "production", 1)
    rec.call("load by alias", mlflow.genai.load_prompt, "prompts:/greet@production")
    rec.call("load by an alias that is not there", mlflow.genai.load_prompt, "prompts:/greet@nobody")
    rec.call("alias nobody", mlflow.genai.set_prompt_alias, "greet", "production", 99)
    rec.call("delete the alias", mlflow.genai.delete_prompt_alias, "greet", "production")
    rec.call("search", lambda: [(p.name, p.tags) for p in c.search_prompts()])
    rec.call("search by name", lambda: [p.name for p in c.search_prompts("name LIKE 'gr%'")])
    rec.call("search by tag", lambda: [p.name for p in c.search_prompts("tags.team = 'ops'")])
    rec.call("search wrongly", c.search_prompts, "nothing = 5")
    rec.call(
        "search at most 1",
        lambda: (lambda page: [[p.name for p in page], bool(page.token)])(c.search_prompts(max_results=1)),
    )
    rec.call("get", c.get_prompt, "greet")
    rec.call("get nobody", c.get_prompt, "nobody")
    rec.call("get a version", c.get_prompt_version, "greet", 1)
    rec.call("tag", c.set_prompt_tag, "greet", "a", "b")
    rec.call("tag a version", c.set_prompt_version_tag, "greet", 1, "a", "b")
    rec.call("delete a tag", c.delete_prompt_tag, "greet", "a")
    rec.call("delete a tag of a version", c.delete_prompt_version_tag, "greet", 1, "a")
    rec.call(
        "models do not show prompts",
        lambda: [m.name for m in c.search_registered_models() if m.name in ("greet", "chat")],
    )
    rec.call("a prompt as a model", c.get_registered_model, "greet")
    run = c.create_run("0", start_time=1_700_000_000_000, run_name="prompts").info.run_id
    rec.call("link to a run", c.link_prompt_version_to_run, run, "prompts:/greet/1")
    rec.call("linked", c.get_run, run)
    rec.call("delete a version", c.delete_prompt_version, "greet", "1")
    rec.call("the version is gone", c.get_prompt_version, "greet", 1)
    rec.call("delete", c.delete_prompt, "greet")
    rec.rest(
        "raw prompts",
        "GET",
        "/api/2.0/mlflow/registered-models/search",
        params={"filter": "tags.`mlflow.prompt.is_prompt` = 'true'"},
    )
    rec.rest(
        "raw versions",
        "GET",
        "/api/2.0/mlflow/model-versions/search",
        params={"filter": "name = 'chat' AND tags.`mlflow.prompt.is_prompt` = 'true'"},
    )
