CREATE TABLE artifacts (
	path VARCHAR(1500) NOT NULL,
	folder VARCHAR(1500) NOT NULL,
	digest VARCHAR(64),
	size BIGINT NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (path)
);

CREATE TABLE bundled_snapshots (
	digest VARCHAR(64) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (digest)
);

CREATE TABLE chunks (
	run BIGINT NOT NULL,
	metric BIGINT NOT NULL,
	number INTEGER NOT NULL,
	points INTEGER NOT NULL,
	first_step BIGINT NOT NULL,
	last_step BIGINT NOT NULL,
	first_at BIGINT NOT NULL,
	last_at BIGINT NOT NULL,
	extremes BYTEA NOT NULL,
	columns BYTEA NOT NULL,
	PRIMARY KEY (run, metric, number)
);

CREATE TABLE data_accepted (
	source VARCHAR(255) NOT NULL,
	snapshot VARCHAR(64) NOT NULL,
	rules VARCHAR(64) NOT NULL,
	at BIGINT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (source)
);

CREATE TABLE data_files (
	path VARCHAR(1024) NOT NULL,
	bytes BIGINT NOT NULL,
	modified_ns BIGINT NOT NULL,
	changed_ns BIGINT NOT NULL,
	inode VARCHAR(32) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	PRIMARY KEY (path)
);

CREATE TABLE data_parts (
	key VARCHAR(64) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (key)
);

CREATE TABLE data_snapshots (
	digest VARCHAR(64) NOT NULL,
	source VARCHAR(255) NOT NULL,
	taken_at BIGINT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (digest)
);

CREATE TABLE experiments (
	key BIGSERIAL NOT NULL,
	name VARCHAR(500) NOT NULL,
	artifact_root TEXT NOT NULL,
	stage VARCHAR(8) NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	PRIMARY KEY (key),
	UNIQUE (name)
);

CREATE TABLE feature_views (
	name VARCHAR(255) NOT NULL,
	current INTEGER NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE journal (
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	kind VARCHAR(64) NOT NULL,
	subject VARCHAR(255) NOT NULL,
	actor VARCHAR(255) NOT NULL,
	data TEXT NOT NULL,
	previous VARCHAR(64) NOT NULL,
	hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (seq)
);

CREATE TABLE measurements (
	model VARCHAR(255) NOT NULL,
	subject VARCHAR(255) NOT NULL,
	at BIGINT NOT NULL,
	version INTEGER NOT NULL,
	kind VARCHAR(32) NOT NULL,
	value FLOAT,
	threshold FLOAT,
	state VARCHAR(16) NOT NULL,
	rows INTEGER NOT NULL,
	low FLOAT,
	high FLOAT,
	reference FLOAT,
	note TEXT NOT NULL,
	PRIMARY KEY (model, subject, at)
);

CREATE TABLE metric_names (
	key BIGSERIAL NOT NULL,
	name VARCHAR(255) NOT NULL,
	PRIMARY KEY (key),
	UNIQUE (name)
);

CREATE TABLE monitors (
	model VARCHAR(255) NOT NULL,
	subject VARCHAR(255) NOT NULL,
	version INTEGER NOT NULL,
	quantity VARCHAR(255) NOT NULL,
	state VARCHAR(16) NOT NULL,
	alarmed BOOLEAN NOT NULL,
	streak INTEGER NOT NULL,
	counted BIGINT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (model, subject)
);

CREATE TABLE package_views (
	package VARCHAR(64) NOT NULL,
	view VARCHAR(255) NOT NULL,
	source VARCHAR(255) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	PRIMARY KEY (package, view)
);

CREATE TABLE points (
	run BIGINT NOT NULL,
	metric BIGINT NOT NULL,
	step BIGINT NOT NULL,
	at BIGINT NOT NULL,
	value FLOAT(53) NOT NULL,
	is_nan SMALLINT NOT NULL,
	PRIMARY KEY (run, metric, step, at, value, is_nan)
);

CREATE TABLE refused_records (
	spool VARCHAR(64) NOT NULL,
	position BIGINT NOT NULL,
	reason TEXT NOT NULL,
	record BYTEA NOT NULL,
	PRIMARY KEY (spool, position)
);

CREATE TABLE registered_models (
	name VARCHAR(256) NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	description TEXT,
	PRIMARY KEY (name)
);

CREATE TABLE registry_policies (
	model VARCHAR(256) NOT NULL,
	alias VARCHAR(255) NOT NULL,
	needs TEXT NOT NULL,
	declared BIGINT NOT NULL,
	actor VARCHAR(256) NOT NULL,
	PRIMARY KEY (model, alias)
);

CREATE TABLE rollouts (
	id VARCHAR(64) NOT NULL,
	model VARCHAR(255) NOT NULL,
	active VARCHAR(255),
	idempotency VARCHAR(255),
	champion INTEGER NOT NULL,
	challenger INTEGER NOT NULL,
	state VARCHAR(16) NOT NULL,
	stage INTEGER NOT NULL,
	started BIGINT NOT NULL,
	stage_started BIGINT NOT NULL,
	ended BIGINT,
	reason TEXT NOT NULL,
	evidence TEXT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (active),
	UNIQUE (idempotency)
);

CREATE TABLE serving_routings (
	model VARCHAR(255) NOT NULL,
	revision BIGINT NOT NULL,
	routing TEXT NOT NULL,
	PRIMARY KEY (model)
);

CREATE TABLE signing_keys (
	key VARCHAR(64) NOT NULL,
	public TEXT NOT NULL,
	owner VARCHAR(256) NOT NULL,
	added BIGINT NOT NULL,
	withdrawn BIGINT,
	PRIMARY KEY (key)
);

CREATE TABLE spools (
	id VARCHAR(64) NOT NULL,
	position BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	PRIMARY KEY (id)
);

CREATE TABLE step_results (
	step VARCHAR(255) NOT NULL,
	key VARCHAR(64) NOT NULL,
	inputs TEXT NOT NULL,
	value TEXT NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (step, key)
);

CREATE TABLE versioned_datasets (
	name VARCHAR(200) NOT NULL,
	created BIGINT NOT NULL,
	actor VARCHAR(255) NOT NULL,
	tables TEXT NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE webhooks (
	id VARCHAR(64) NOT NULL,
	name VARCHAR(63) NOT NULL,
	url TEXT NOT NULL,
	description TEXT,
	secret TEXT,
	status VARCHAR(16) NOT NULL,
	events TEXT NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	deleted BIGINT,
	PRIMARY KEY (id)
);

CREATE TABLE work_runs (
	run VARCHAR(64) NOT NULL,
	workflow VARCHAR(255) NOT NULL,
	args TEXT NOT NULL,
	state VARCHAR(20) NOT NULL,
	code VARCHAR(255) NOT NULL,
	dedup VARCHAR(255),
	priority INTEGER NOT NULL,
	result TEXT,
	error TEXT NOT NULL,
	wake_at BIGINT,
	waiting_for VARCHAR(255),
	submitted_at BIGINT NOT NULL,
	started_at BIGINT,
	changed_at BIGINT NOT NULL,
	fence BIGINT NOT NULL,
	deaths INTEGER NOT NULL,
	owner VARCHAR(255),
	lease_until BIGINT,
	PRIMARY KEY (run)
);

CREATE TABLE aliases (
	model VARCHAR(256) NOT NULL,
	alias VARCHAR(255) NOT NULL,
	version INTEGER NOT NULL,
	moved BIGINT NOT NULL,
	PRIMARY KEY (model, alias),
	FOREIGN KEY(model) REFERENCES registered_models (name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE data_versions (
	id VARCHAR(64) NOT NULL,
	dataset VARCHAR(200) NOT NULL,
	root VARCHAR(64) NOT NULL,
	at BIGINT NOT NULL,
	run VARCHAR(64) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(dataset) REFERENCES versioned_datasets (name)
);

CREATE TABLE datasets (
	key BIGSERIAL NOT NULL,
	experiment BIGINT NOT NULL,
	name VARCHAR(500) NOT NULL,
	digest VARCHAR(64) NOT NULL,
	source_type VARCHAR(36) NOT NULL,
	source TEXT NOT NULL,
	schema TEXT,
	profile TEXT,
	PRIMARY KEY (key),
	CONSTRAINT datasets_identity UNIQUE (experiment, name, digest),
	FOREIGN KEY(experiment) REFERENCES experiments (key)
);

CREATE TABLE experiment_tags (
	experiment BIGINT NOT NULL,
	name VARCHAR(250) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (experiment, name),
	FOREIGN KEY(experiment) REFERENCES experiments (key)
);

CREATE TABLE feature_view_versions (
	view VARCHAR(255) NOT NULL,
	number INTEGER NOT NULL,
	digest VARCHAR(64) NOT NULL,
	definition TEXT NOT NULL,
	created BIGINT NOT NULL,
	actor VARCHAR(255) NOT NULL,
	PRIMARY KEY (view, number),
	CONSTRAINT feature_view_versions_digest UNIQUE (view, digest),
	FOREIGN KEY(view) REFERENCES feature_views (name)
);

CREATE TABLE logged_models (
	key BIGSERIAL NOT NULL,
	id VARCHAR(64) NOT NULL,
	experiment BIGINT NOT NULL,
	name VARCHAR(500) NOT NULL,
	kind VARCHAR(500),
	state VARCHAR(24) NOT NULL,
	state_message TEXT,
	source_run VARCHAR(256),
	artifact_root TEXT NOT NULL,
	stage VARCHAR(8) NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	PRIMARY KEY (key),
	UNIQUE (id),
	FOREIGN KEY(experiment) REFERENCES experiments (key)
);

CREATE TABLE registered_model_tags (
	model VARCHAR(256) NOT NULL,
	name VARCHAR(250) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (model, name),
	FOREIGN KEY(model) REFERENCES registered_models (name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE runs (
	key BIGSERIAL NOT NULL,
	id VARCHAR(256) NOT NULL,
	experiment BIGINT NOT NULL,
	name TEXT NOT NULL,
	model VARCHAR(255) NOT NULL,
	kind VARCHAR(64) NOT NULL,
	actor VARCHAR(256) NOT NULL,
	state VARCHAR(16) NOT NULL,
	stage VARCHAR(8) NOT NULL,
	started BIGINT,
	ended BIGINT,
	deleted BIGINT,
	artifact_root TEXT NOT NULL,
	inputs TEXT NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (key),
	UNIQUE (id),
	FOREIGN KEY(experiment) REFERENCES experiments (key)
);

CREATE TABLE versions (
	model VARCHAR(256) NOT NULL,
	number INTEGER NOT NULL,
	identity VARCHAR(64),
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	stage VARCHAR(32) NOT NULL,
	source TEXT NOT NULL,
	storage TEXT NOT NULL,
	run VARCHAR(256),
	run_link TEXT,
	description TEXT,
	actor VARCHAR(256) NOT NULL,
	status VARCHAR(24) NOT NULL,
	status_message TEXT,
	logged_model VARCHAR(64),
	value TEXT,
	PRIMARY KEY (model, number),
	CONSTRAINT versions_identity UNIQUE (model, identity),
	FOREIGN KEY(model) REFERENCES registered_models (name) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE webhook_outbox (
	seq BIGSERIAL NOT NULL,
	id VARCHAR(64) NOT NULL,
	webhook VARCHAR(64) NOT NULL,
	event VARCHAR(64) NOT NULL,
	body TEXT NOT NULL,
	created BIGINT NOT NULL,
	due BIGINT,
	attempts INTEGER NOT NULL,
	state VARCHAR(16) NOT NULL,
	ended BIGINT,
	error TEXT,
	PRIMARY KEY (seq),
	UNIQUE (id),
	FOREIGN KEY(webhook) REFERENCES webhooks (id)
);

CREATE TABLE work_signals (
	run VARCHAR(64) NOT NULL,
	number INTEGER NOT NULL,
	name VARCHAR(255) NOT NULL,
	value TEXT NOT NULL,
	at BIGINT NOT NULL,
	taken_by INTEGER,
	PRIMARY KEY (run, number),
	FOREIGN KEY(run) REFERENCES work_runs (run)
);

CREATE TABLE work_steps (
	run VARCHAR(64) NOT NULL,
	seq INTEGER NOT NULL,
	name VARCHAR(255) NOT NULL,
	kind VARCHAR(20) NOT NULL,
	state VARCHAR(20) NOT NULL,
	attempt INTEGER NOT NULL,
	result TEXT,
	error TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (run, seq),
	FOREIGN KEY(run) REFERENCES work_runs (run)
);

CREATE TABLE data_pins (
	snapshot VARCHAR(64) NOT NULL,
	holder VARCHAR(300) NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (snapshot, holder),
	FOREIGN KEY(snapshot) REFERENCES data_versions (id)
);

CREATE TABLE data_refs (
	dataset VARCHAR(200) NOT NULL,
	name VARCHAR(200) NOT NULL,
	kind VARCHAR(8) NOT NULL,
	snapshot VARCHAR(64) NOT NULL,
	moved BIGINT NOT NULL,
	actor VARCHAR(255) NOT NULL,
	PRIMARY KEY (dataset, name),
	FOREIGN KEY(dataset) REFERENCES versioned_datasets (name),
	FOREIGN KEY(snapshot) REFERENCES data_versions (id)
);

CREATE TABLE feature_view_figures (
	view VARCHAR(255) NOT NULL,
	number INTEGER NOT NULL,
	model VARCHAR(256) NOT NULL,
	at BIGINT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (view, number, model),
	CONSTRAINT feature_view_figures_version FOREIGN KEY(view, number) REFERENCES feature_view_versions (view, number)
);

CREATE TABLE latest_metrics (
	run BIGINT NOT NULL,
	metric BIGINT NOT NULL,
	experiment BIGINT NOT NULL,
	value FLOAT(53) NOT NULL,
	is_nan SMALLINT NOT NULL,
	step BIGINT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (run, metric),
	FOREIGN KEY(run) REFERENCES runs (key),
	FOREIGN KEY(metric) REFERENCES metric_names (key)
);

CREATE TABLE logged_model_metrics (
	model BIGINT NOT NULL,
	name VARCHAR(255) NOT NULL,
	at BIGINT NOT NULL,
	step BIGINT NOT NULL,
	run BIGINT NOT NULL,
	value FLOAT(53) NOT NULL,
	is_nan SMALLINT NOT NULL,
	dataset BIGINT,
	dataset_name VARCHAR(500),
	dataset_digest VARCHAR(64),
	PRIMARY KEY (model, name, at, step, run),
	FOREIGN KEY(model) REFERENCES logged_models (key),
	FOREIGN KEY(run) REFERENCES runs (key)
);

CREATE TABLE logged_model_params (
	model BIGINT NOT NULL,
	name VARCHAR(255) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (model, name),
	FOREIGN KEY(model) REFERENCES logged_models (key)
);

CREATE TABLE logged_model_tags (
	model BIGINT NOT NULL,
	name VARCHAR(255) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (model, name),
	FOREIGN KEY(model) REFERENCES logged_models (key)
);

CREATE TABLE run_datasets (
	run BIGINT NOT NULL,
	dataset BIGINT NOT NULL,
	tags TEXT NOT NULL,
	context VARCHAR(500),
	PRIMARY KEY (run, dataset),
	FOREIGN KEY(run) REFERENCES runs (key),
	FOREIGN KEY(dataset) REFERENCES datasets (key)
);

CREATE TABLE run_models (
	run BIGINT NOT NULL,
	role VARCHAR(8) NOT NULL,
	model VARCHAR(64) NOT NULL,
	step BIGINT NOT NULL,
	PRIMARY KEY (run, role, model, step),
	FOREIGN KEY(run) REFERENCES runs (key)
);

CREATE TABLE run_params (
	run BIGINT NOT NULL,
	name VARCHAR(255) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, name),
	FOREIGN KEY(run) REFERENCES runs (key)
);

CREATE TABLE run_tags (
	run BIGINT NOT NULL,
	name VARCHAR(255) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, name),
	FOREIGN KEY(run) REFERENCES runs (key)
);

CREATE TABLE version_signatures (
	model VARCHAR(256) NOT NULL,
	number INTEGER NOT NULL,
	key VARCHAR(64) NOT NULL,
	manifest TEXT NOT NULL,
	signature TEXT NOT NULL,
	signed BIGINT NOT NULL,
	PRIMARY KEY (model, number, key),
	CONSTRAINT version_signatures_version FOREIGN KEY(model, number) REFERENCES versions (model, number) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE version_tags (
	model VARCHAR(256) NOT NULL,
	number INTEGER NOT NULL,
	name VARCHAR(250) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (model, number, name),
	CONSTRAINT version_tags_version FOREIGN KEY(model, number) REFERENCES versions (model, number) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX ix_artifacts_folder ON artifacts (folder);

CREATE INDEX ix_data_snapshots_source ON data_snapshots (source);

CREATE INDEX ix_journal_kind ON journal (kind);

CREATE INDEX ix_journal_subject ON journal (subject);

CREATE INDEX measurements_by_time ON measurements (model, at);

CREATE INDEX ix_monitors_quantity ON monitors (quantity);

CREATE INDEX ix_package_views_digest ON package_views (digest);

CREATE INDEX ix_rollouts_model ON rollouts (model);

CREATE INDEX ix_step_results_created ON step_results (created);

CREATE UNIQUE INDEX work_runs_dedup ON work_runs (dedup) WHERE state NOT IN ('failed', 'cancelled');

CREATE INDEX work_runs_ready ON work_runs (state, priority, run);

CREATE INDEX ix_data_versions_dataset ON data_versions (dataset);

CREATE INDEX ix_data_versions_run ON data_versions (run);

CREATE INDEX logged_models_newest ON logged_models (experiment, stage, created DESC);

CREATE INDEX ix_runs_model ON runs (model);

CREATE INDEX runs_newest ON runs (experiment, stage, started DESC, id);

CREATE INDEX ix_versions_run ON versions (run);

CREATE INDEX webhook_outbox_due ON webhook_outbox (state, due);

CREATE INDEX latest_metrics_order ON latest_metrics (experiment, metric, is_nan, value, run);

CREATE TABLE noria_schema (version_num VARCHAR(32) NOT NULL PRIMARY KEY);

INSERT INTO noria_schema VALUES ('0003');
