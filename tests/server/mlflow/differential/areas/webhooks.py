"""Webhooks: made, listed, changed, deleted. (Delivery is tested beside our own.)"""

API = "/api/2.0/mlflow/webhooks"
EVENTS = ["registered_model.created", "model_version_alias.created"]


def calls(rec):
    c = rec.client
    made = rec.call(
        "create",
        c.create_webhook,
        "hook",
        "https://1.1.1.1/hook",
        EVENTS,
        description="d",
        secret="s3cret",
        status="ACTIVE",
    )
    rec.call("create again", c.create_webhook, "hook", "https://1.1.1.1/hook", EVENTS)
    rec.call(
        "create disabled", c.create_webhook, "off", "https://1.1.1.1/off", ["model_version.created"], status="DISABLED"
    )
    rec.call("create with a plain address", c.create_webhook, "plain", "http://example.com", EVENTS)
    for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost", "user:pass@1.1.1.1", "2130706433"):
        rec.call(f"create for {host}", c.create_webhook, "inside", f"https://{host}/hook", EVENTS)
    rec.call("create with no address", c.create_webhook, "none", "", EVENTS)
    rec.call("create with a bad address", c.create_webhook, "bad", "nonsense", EVENTS)
    rec.call("create with a file", c.create_webhook, "file", "file:///etc/passwd", EVENTS)
    rec.call("create with no events", c.create_webhook, "empty", "https://1.1.1.1", [])
    rec.call("create with a bad event", c.create_webhook, "badevent", "https://1.1.1.1", ["model.exploded"])
    rec.call("create with no name", c.create_webhook, "", "https://1.1.1.1", EVENTS)
    rec.call("create with a long name", c.create_webhook, "n" * 64, "https://1.1.1.1", EVENTS)
    rec.call("create with a name of signs", c.create_webhook, "a b/c", "https://1.1.1.1", EVENTS)
    rec.rest(
        "create raw without a name",
        "POST",
        API,
        json={"url": "https://1.1.1.1", "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]},
    )
    rec.rest("create raw without events", "POST", API, json={"name": "x", "url": "https://1.1.1.1"})
    rec.rest(
        "create raw with a wrong pair",
        "POST",
        API,
        json={"name": "x", "url": "https://1.1.1.1", "events": [{"entity": "REGISTERED_MODEL", "action": "SET"}]},
    )
    rec.rest(
        "create raw",
        "POST",
        API,
        json={"name": "raw", "url": "https://1.1.1.1", "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]},
    )
    rec.call("get", c.get_webhook, made.webhook_id)
    rec.rest("get raw", "GET", f"{API}/{made.webhook_id}")
    rec.call("get nobody", c.get_webhook, "nobody")
    rec.call("list", lambda: sorted(w.name[:9] for w in c.list_webhooks()))
    rec.call("list 1", lambda: (lambda page: [len(page), bool(page.token)])(c.list_webhooks(max_results=1)))
    rec.call("list 0", c.list_webhooks, max_results=0)
    rec.call("list too many", c.list_webhooks, max_results=100_000)
    rec.call("change", c.update_webhook, made.webhook_id, name="changed", description="e", status="DISABLED")
    rec.call("change events", c.update_webhook, made.webhook_id, events=["model_version_tag.set"])
    rec.call("change to a bad address", c.update_webhook, made.webhook_id, url="ftp://x")
    rec.call("change nobody", c.update_webhook, "nobody", name="x")
    rec.call("changed", c.get_webhook, made.webhook_id)
    rec.call("delete", c.delete_webhook, made.webhook_id)
    rec.call("delete twice", c.delete_webhook, made.webhook_id)
    rec.call("get a deleted one", c.get_webhook, made.webhook_id)
