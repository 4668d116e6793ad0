-- A database of the first revision with a row in every table, as `sqlite3 .dump` writes it.
-- It never changes: every later revision must bring it up to date.
BEGIN TRANSACTION;
CREATE TABLE adapters (
	version INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	base_model VARCHAR(64) NOT NULL, 
	parent INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	directory VARCHAR(100) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	metrics JSON NOT NULL, 
	reason TEXT NOT NULL, 
	round INTEGER, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT ck_adapters_state CHECK (state IN ('candidate', 'live', 'retired', 'rejected', 'failed'))
);
INSERT INTO "adapters" VALUES(1,'tiny-model',0,'live','v0001','0000000000000000000000000000000000000000000000000000000000000000','{"loss": 1.5}','',1,'2026-03-01 12:30:15.123456');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	actor VARCHAR(130) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	detail JSON NOT NULL, 
	created_at DATETIME NOT NULL
);
INSERT INTO "audit" VALUES(1,'terminal:ana','promote','version 1','{}','2026-03-01 12:30:15.123456');
CREATE TABLE channels (
	id INTEGER NOT NULL, 
	community_id INTEGER NOT NULL, 
	external_id VARCHAR(100) NOT NULL, 
	name TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	mode VARCHAR(20) NOT NULL, 
	persona TEXT NOT NULL, 
	reset_position INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_channels PRIMARY KEY (id), 
	CONSTRAINT ck_channels_kind CHECK (kind IN ('direct', 'group')), 
	CONSTRAINT ck_channels_mode CHECK (mode IN ('on', 'mention-only', 'off')), 
	CONSTRAINT fk_channels_community_id_communities FOREIGN KEY(community_id) REFERENCES communities (id), 
	CONSTRAINT uq_channels_community_id UNIQUE (community_id, external_id)
);
INSERT INTO "channels" VALUES(1,1,'general','general','group','mention-only','',0,'2026-03-01 12:30:15.123456');
CREATE TABLE communities (
	id INTEGER NOT NULL, 
	platform VARCHAR(20) NOT NULL, 
	external_id VARCHAR(100) NOT NULL, 
	name TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_communities PRIMARY KEY (id), 
	CONSTRAINT uq_communities_platform UNIQUE (platform, external_id)
);
INSERT INTO "communities" VALUES(1,'terminal','home','','2026-03-01 12:30:15.123456');
CREATE TABLE decisions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	exchange_id INTEGER NOT NULL, 
	moderator_id INTEGER NOT NULL, 
	ruling VARCHAR(20) NOT NULL, 
	text TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT ck_decisions_ruling CHECK (ruling IN ('approve', 'reject', 'correct', 'skip')), 
	CONSTRAINT fk_decisions_exchange_id_exchanges FOREIGN KEY(exchange_id) REFERENCES exchanges (id), 
	CONSTRAINT fk_decisions_moderator_id_members FOREIGN KEY(moderator_id) REFERENCES members (id)
);
INSERT INTO "decisions" VALUES(1,1,1,'approve','','2026-03-01 12:30:15.123456');
CREATE TABLE exchanges (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	channel_id INTEGER NOT NULL, 
	asker_id INTEGER, 
	prompt JSON NOT NULL, 
	reply TEXT NOT NULL, 
	adapter INTEGER NOT NULL, 
	base_model VARCHAR(64) NOT NULL, 
	sampling JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	finish VARCHAR(20) NOT NULL, 
	prompt_tokens INTEGER NOT NULL, 
	reply_tokens INTEGER NOT NULL, 
	latency_ms INTEGER NOT NULL, 
	first_token_ms INTEGER NOT NULL, 
	origin VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT ck_exchanges_finish CHECK (finish IN ('stop', 'length', 'cancelled', 'imported')), 
	CONSTRAINT fk_exchanges_asker_id_members FOREIGN KEY(asker_id) REFERENCES members (id), 
	CONSTRAINT fk_exchanges_channel_id_channels FOREIGN KEY(channel_id) REFERENCES channels (id)
);
INSERT INTO "exchanges" VALUES(1,1,1,'{"persona": "Be kind.", "turns": [{"role": "user", "text": "Hi", "speaker": "Ana", "member": 1}]}','Hello, Ana!',0,'tiny-model','{"temperature": 0.7, "top_p": 0.9, "top_k": 40, "repetition_penalty": 1.1, "max_new_tokens": 160, "stop": ["\nUser:"], "banned_words": ["drat"]}',9223372036854775807,'stop',12,3,456,78,'chat','2026-03-01 12:30:15.123456');
CREATE TABLE feedback (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	exchange_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	text TEXT NOT NULL, 
	via VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT ck_feedback_kind CHECK (kind IN ('like', 'dislike', 'correction', 'flag', 'retraction')), 
	CONSTRAINT fk_feedback_exchange_id_exchanges FOREIGN KEY(exchange_id) REFERENCES exchanges (id), 
	CONSTRAINT fk_feedback_member_id_members FOREIGN KEY(member_id) REFERENCES members (id)
);
INSERT INTO "feedback" VALUES(1,1,1,'like','','test','2026-03-01 12:30:15.123456');
CREATE TABLE members (
	id INTEGER NOT NULL, 
	platform VARCHAR(20) NOT NULL, 
	external_id VARCHAR(100) NOT NULL, 
	name TEXT NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	answered BOOLEAN NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	trained BOOLEAN, 
	trust FLOAT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_members PRIMARY KEY (id), 
	CONSTRAINT ck_members_role CHECK (role IN ('member', 'moderator', 'admin')), 
	CONSTRAINT ck_members_trust CHECK (trust BETWEEN 0 AND 1), 
	CONSTRAINT uq_members_platform UNIQUE (platform, external_id)
);
INSERT INTO "members" VALUES(1,'terminal','ana','Ana','admin',1,1,1,0.5,'2026-03-01 12:30:15.123456');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	channel_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	external_id VARCHAR(100), 
	member_id INTEGER, 
	exchange_id INTEGER, 
	speaker TEXT NOT NULL, 
	text TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT fk_messages_channel_id_channels FOREIGN KEY(channel_id) REFERENCES channels (id), 
	CONSTRAINT fk_messages_exchange_id_exchanges FOREIGN KEY(exchange_id) REFERENCES exchanges (id), 
	CONSTRAINT fk_messages_member_id_members FOREIGN KEY(member_id) REFERENCES members (id), 
	CONSTRAINT uq_messages_channel_id UNIQUE (channel_id, position)
);
INSERT INTO "messages" VALUES(1,1,1,'1',1,NULL,'Ana','Hi','2026-03-01 12:30:15.123456');
INSERT INTO "messages" VALUES(2,1,2,NULL,NULL,1,'','','2026-03-01 12:30:15.123456');
CREATE TABLE presence (
	process VARCHAR(20) NOT NULL, 
	pid INTEGER NOT NULL, 
	detail JSON NOT NULL, 
	started_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	busy_until DATETIME, 
	CONSTRAINT pk_presence PRIMARY KEY (process)
);
INSERT INTO "presence" VALUES('bot',42,'{}','2026-03-01 12:30:15.123456','2026-03-01 12:30:15.123456',NULL);
CREATE TABLE promotions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	base_model VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	previous INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	actor VARCHAR(130) NOT NULL, 
	created_at DATETIME NOT NULL
);
INSERT INTO "promotions" VALUES(1,'tiny-model',1,0,'round','learner','2026-03-01 12:30:15.123456');
CREATE TABLE requests (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(20) NOT NULL, 
	member_id INTEGER, 
	created_at DATETIME NOT NULL, 
	answered_at DATETIME, 
	answer TEXT NOT NULL, 
	CONSTRAINT ck_requests_kind CHECK (kind IN ('train', 'cancel')), 
	CONSTRAINT fk_requests_member_id_members FOREIGN KEY(member_id) REFERENCES members (id)
);
INSERT INTO "requests" VALUES(1,'train',1,'2026-03-01 12:30:15.123456',NULL,'');
CREATE TABLE round_examples (
	round_id INTEGER NOT NULL, 
	exchange_id INTEGER NOT NULL, 
	part VARCHAR(20) NOT NULL, 
	weight FLOAT NOT NULL, 
	CONSTRAINT pk_round_examples PRIMARY KEY (round_id, exchange_id), 
	CONSTRAINT ck_round_examples_part CHECK (part IN ('new', 'replay', 'held-out')), 
	CONSTRAINT fk_round_examples_exchange_id_exchanges FOREIGN KEY(exchange_id) REFERENCES exchanges (id), 
	CONSTRAINT fk_round_examples_round_id_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
INSERT INTO "round_examples" VALUES(1,1,'new',1.0);
CREATE TABLE rounds (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	state VARCHAR(20) NOT NULL, 
	"trigger" VARCHAR(20) NOT NULL, 
	requested_by INTEGER, 
	base_model VARCHAR(64) NOT NULL, 
	seed BIGINT NOT NULL, 
	progress JSON NOT NULL, 
	report JSON NOT NULL, 
	reason TEXT NOT NULL, 
	adapter INTEGER, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	CONSTRAINT ck_rounds_state CHECK (state IN ('queued', 'curating', 'training', 'evaluating', 'promoted', 'rejected', 'skipped', 'failed', 'cancelled')), 
	CONSTRAINT fk_rounds_adapter_adapters FOREIGN KEY(adapter) REFERENCES adapters (version), 
	CONSTRAINT fk_rounds_requested_by_members FOREIGN KEY(requested_by) REFERENCES members (id)
);
INSERT INTO "rounds" VALUES(1,'promoted','request',1,'tiny-model',1,'{"step": 0, "steps": 0, "loss": null, "tokens_per_second": 0.0, "seconds_left": 0.0, "note": ""}','{"loss": 1.0}','better',1,'2026-03-01 12:30:15.123456','2026-03-01 12:30:15.123456','2026-03-01 12:30:15.123456');
CREATE UNIQUE INDEX ix_adapters_one_live ON adapters (base_model) WHERE state = 'live';
CREATE INDEX ix_adapters_round ON adapters (round);
CREATE INDEX ix_audit_created_at ON audit (created_at);
CREATE INDEX ix_promotions_base_model ON promotions (base_model);
CREATE INDEX ix_exchanges_asker_id ON exchanges (asker_id);
CREATE INDEX ix_exchanges_channel_id ON exchanges (channel_id);
CREATE INDEX ix_decisions_created_at ON decisions (created_at);
CREATE INDEX ix_decisions_exchange_id ON decisions (exchange_id);
CREATE INDEX ix_decisions_moderator_id ON decisions (moderator_id);
CREATE INDEX ix_feedback_created_at ON feedback (created_at);
CREATE INDEX ix_feedback_exchange_id ON feedback (exchange_id);
CREATE INDEX ix_feedback_member_id ON feedback (member_id);
CREATE INDEX ix_messages_exchange_id ON messages (exchange_id);
CREATE INDEX ix_messages_member_id ON messages (member_id);
CREATE UNIQUE INDEX ix_messages_seen ON messages (channel_id, external_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('exchanges',1);
INSERT INTO "sqlite_sequence" VALUES('feedback',1);
INSERT INTO "sqlite_sequence" VALUES('decisions',1);
INSERT INTO "sqlite_sequence" VALUES('rounds',1);
INSERT INTO "sqlite_sequence" VALUES('adapters',1);
INSERT INTO "sqlite_sequence" VALUES('promotions',1);
INSERT INTO "sqlite_sequence" VALUES('requests',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
COMMIT;
