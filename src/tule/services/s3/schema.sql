-- A bucket's name is unique among all accounts; `config` is JSON: every sub-resource configuration under its own name.
CREATE TABLE s3_buckets (
    name TEXT NOT NULL PRIMARY KEY,
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    config BLOB NOT NULL
);
CREATE INDEX s3_buckets_by_account ON s3_buckets (account, name);

-- The current version of each key, delete markers included; what it replaced in a versioned bucket is in s3_noncurrent.
-- Bytes are in `data` (small), in one blob (`blob`), or in the parts of the completed upload `manifest`.
CREATE TABLE s3_objects (
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version TEXT NOT NULL,
    marker INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    owner TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    checksum TEXT NOT NULL,
    headers BLOB NOT NULL,
    tags TEXT,
    acl TEXT,
    manifest TEXT,
    blob TEXT,
    data BLOB,
    PRIMARY KEY (bucket, key)
);
CREATE INDEX s3_objects_by_blob ON s3_objects (blob) WHERE blob IS NOT NULL;
CREATE INDEX s3_objects_by_manifest ON s3_objects (manifest) WHERE manifest IS NOT NULL;

CREATE TABLE s3_noncurrent (
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version TEXT NOT NULL,
    marker INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    owner TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    checksum TEXT NOT NULL,
    headers BLOB NOT NULL,
    tags TEXT,
    acl TEXT,
    manifest TEXT,
    blob TEXT,
    data BLOB,
    PRIMARY KEY (bucket, key, version)
);
CREATE INDEX s3_noncurrent_newest_first ON s3_noncurrent (bucket, key, seq DESC);
CREATE INDEX s3_noncurrent_by_blob ON s3_noncurrent (blob) WHERE blob IS NOT NULL;
CREATE INDEX s3_noncurrent_by_manifest ON s3_noncurrent (manifest) WHERE manifest IS NOT NULL;

-- A multipart upload in progress (`completed` NULL), or one that became an object (`completed`: the answer, for repeats).
CREATE TABLE s3_uploads (
    id TEXT NOT NULL PRIMARY KEY,
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    initiated_ms INTEGER NOT NULL,
    initiator TEXT NOT NULL,
    request BLOB NOT NULL,
    completed BLOB
);
CREATE INDEX s3_uploads_in_progress ON s3_uploads (bucket, key, id) WHERE completed IS NULL;

-- Parts of uploads in progress, and the segments of objects that were completed from them.
CREATE TABLE s3_parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    blob TEXT,
    data BLOB,
    PRIMARY KEY (upload, number)
);
CREATE INDEX s3_parts_by_blob ON s3_parts (blob) WHERE blob IS NOT NULL;

-- Blobs that nothing refers to any more, kept a little for readers that are about to open them: see garbage.py.
CREATE TABLE s3_released (
    blob TEXT NOT NULL PRIMARY KEY,
    since_ms INTEGER NOT NULL
);

-- migration 2: what came to objects with encryption at rest, replication, object lock and restoring from archives
-- `sealed`: the wrapped data key of the bytes (see sealing.py); NULL for bytes kept as they are.  `replication`: the status of a
-- source or REPLICA.  `lock`: JSON of retention and legal hold.  `restored`: JSON of a restore from an archive class.
ALTER TABLE s3_objects ADD COLUMN sealed BLOB;
ALTER TABLE s3_objects ADD COLUMN replication TEXT;
ALTER TABLE s3_objects ADD COLUMN lock TEXT;
ALTER TABLE s3_objects ADD COLUMN restored TEXT;
ALTER TABLE s3_noncurrent ADD COLUMN sealed BLOB;
ALTER TABLE s3_noncurrent ADD COLUMN replication TEXT;
ALTER TABLE s3_noncurrent ADD COLUMN lock TEXT;
ALTER TABLE s3_noncurrent ADD COLUMN restored TEXT;

-- Lines of server access logs, until a job brings them to their bucket.
CREATE TABLE s3_log_entries (
    bucket INTEGER NOT NULL,
    id TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (bucket, id)
);

-- migration 3: batch operations
-- Tasks of batch jobs until the job has ended; `outcome` is NULL for those not done yet, else JSON of code, HTTP status and message.
CREATE TABLE s3_batch_tasks (
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (job, number)
);
