PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO meta VALUES('schema','1');
CREATE TABLE release (
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	created FLOAT NOT NULL, 
	flag VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "release" VALUES('r2','snapshot','d2',1764000000.0,'','');
CREATE TABLE host (
	name VARCHAR NOT NULL, 
	machine_id VARCHAR NOT NULL, 
	domain VARCHAR NOT NULL, 
	labels JSON NOT NULL, 
	release VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	unavailable VARCHAR NOT NULL, 
	fence INTEGER NOT NULL, 
	last_seen FLOAT, 
	last_update FLOAT, 
	PRIMARY KEY (name)
);
INSERT INTO host VALUES('host-0','host-0','rack-0','{"canary": true}','r2','d2','',1,1764000000.0,1764000000.0);
INSERT INTO host VALUES('host-1','host-1','rack-1','{"canary": false}','','','',0,1764000000.0,NULL);
INSERT INTO host VALUES('host-2','host-2','rack-0','{"canary": false}','','','',1,1764000000.0,NULL);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	time FLOAT NOT NULL, 
	who VARCHAR NOT NULL, 
	what VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	inputs JSON NOT NULL, 
	outcome VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO event VALUES(1,1764000000.0,'test','enrol','host-0','{"domain": "rack-0", "labels": {"canary": true}}','ok');
INSERT INTO event VALUES(2,1764000000.0,'test','enrol','host-1','{"domain": "rack-1", "labels": {"canary": false}}','ok');
INSERT INTO event VALUES(3,1764000000.0,'test','enrol','host-2','{"domain": "rack-0", "labels": {"canary": false}}','ok');
INSERT INTO event VALUES(4,1764000000.0,'test','open rollout','rollout 1','{"release": "r2", "policy": {}, "plan_hash": "658cbf2f34232f0b0ec93490be34a28e1b7b4c7e8cf909c3b691377ac5673f20"}','running');
INSERT INTO event VALUES(5,1764000000.0,'elsewhere/boot/ns/1/1','claim','host-0','{"rollout": 1, "attempt": 1, "unavailable": 0, "unavailable_in_domain": 0, "failed": 0}','granted');
INSERT INTO event VALUES(6,1764000000.0,'elsewhere/boot/ns/1/1','record','host-0','{"rollout": 1, "release": "r2", "digest": "d2"}','done');
INSERT INTO event VALUES(7,1764000000.0,'elsewhere/boot/ns/1/1','claim','host-2','{"rollout": 1, "attempt": 1, "unavailable": 0, "unavailable_in_domain": 0, "failed": 0}','granted');
CREATE TABLE rollout (
	id INTEGER NOT NULL, 
	release VARCHAR NOT NULL, 
	policy JSON NOT NULL, 
	plan_hash VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	forgiven INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	ended FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(release) REFERENCES release (id)
);
INSERT INTO rollout VALUES(1,'r2','{}','658cbf2f34232f0b0ec93490be34a28e1b7b4c7e8cf909c3b691377ac5673f20','running','',0,1764000000.0,NULL);
CREATE TABLE assignment (
	rollout INTEGER NOT NULL, 
	host VARCHAR NOT NULL, 
	wave INTEGER NOT NULL, 
	rank INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	from_release VARCHAR NOT NULL, 
	baseline JSON, 
	unavailable_since FLOAT, 
	unavailable_seconds FLOAT NOT NULL, 
	ended FLOAT, 
	PRIMARY KEY (rollout, host), 
	FOREIGN KEY(rollout) REFERENCES rollout (id), 
	FOREIGN KEY(host) REFERENCES host (name)
);
INSERT INTO assignment VALUES(1,'host-0',0,0,'done','',1,'',NULL,NULL,0.0,1764000000.0);
INSERT INTO assignment VALUES(1,'host-2',1,1,'claimed','',1,'',NULL,NULL,0.0,NULL);
INSERT INTO assignment VALUES(1,'host-1',1,2,'eligible','',0,'',NULL,NULL,0.0,NULL);
CREATE TABLE claim (
	host VARCHAR NOT NULL, 
	rollout INTEGER NOT NULL, 
	owner VARCHAR NOT NULL, 
	expires FLOAT NOT NULL, 
	fence INTEGER NOT NULL, 
	PRIMARY KEY (host), 
	FOREIGN KEY(host) REFERENCES host (name), 
	FOREIGN KEY(rollout) REFERENCES rollout (id)
);
INSERT INTO claim VALUES('host-2',1,'elsewhere/boot/ns/1/1',1764003600.0,1);
CREATE INDEX ix_host_domain ON host (domain);
CREATE INDEX ix_event_subject ON event (subject);
COMMIT;
