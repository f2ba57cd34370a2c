//! Every upper bound of the server, each with its reason.

pub mod catalog;
pub mod deletes;
pub mod iceberg;
pub mod manifest;
pub mod objects;
pub mod uniform;

/// Longest name of a share, schema or table, in characters (Delta Sharing, "Names").
pub const NAME_CHARS_MAX: usize = 255;

/// Longest page token that is looked at: two names of four-byte characters, tag and base64 included.
pub const PAGE_TOKEN_BYTES_MAX: usize = 4 << 10;

/// Largest page of a list; the reference server's bound, which clients have met before.
pub const LIST_PAGE_MAX: usize = 500;

/// Largest JSON body that a query may carry: hints may be long, since too long ones are ignored and not refused.
pub const QUERY_BODY_BYTES_MAX: usize = 8 << 20;

/// Longest hint that is looked at (the reference server's bound); a longer one is ignored.
pub const HINT_BYTES_MAX: usize = 1 << 20;

/// Depth of a hint's tree (the reference server's bound); what lies deeper is ignored.
pub const HINT_DEPTH_MAX: usize = 100;

/// Tokens of an SQL hint, so that its tree stays a few megabytes.
pub const HINT_TOKENS_MAX: usize = 20_000;

/// Conditions of all hints of a query, since each is asked of every file; further ones are ignored.
pub const HINT_LEAVES_MAX: usize = 1_000;

/// Work that a query does for one chunk while it keeps few files, in microseconds: then others have their turn.
pub const PRUNED_MICROS_MAX: usize = 4_000;

/// Bytes of partition values whose verdicts one query remembers; a table with more asks for some twice.
pub const KNOWN_PARTITIONS_BYTES_MAX: usize = 1 << 20;

/// Partition values that a query asks before it looks whether others should have their turn.
pub const PARTITIONS_ASKED_PER_STEP: usize = 256;

/// Columns whose statistics one query asks for, so that a set of them fits 64 bits.
pub const HINT_COLUMNS_MAX: usize = 64;

/// Columns of one query whose bounds are kept, so that they fit the budget of a segment; of others the text is read.
pub const HINT_TYPED_COLUMNS_MAX: usize = 5;

/// Longest token of a page, a refresh or a query that is looked at; a query's holds its parameters.
pub const QUERY_TOKEN_BYTES_MAX: usize = 16 << 10;

/// Life of such a token in seconds; the reference server's three days, within which clients ask again.
pub const QUERY_TOKEN_SECONDS: i64 = 3 * 24 * 3600;

/// Files in one page of a query or of changes: what Spark asks for, and about 100 MB of lines.
pub const FILES_PAGE_MAX: usize = 100_000;

/// Time within which the body of a query has to arrive.
pub const QUERY_BODY_SECONDS_MAX: u64 = 30;

/// Largest JSON body of an admin request: a share with some ten thousand tables.
pub const ADMIN_BODY_BYTES_MAX: usize = 4 << 20;

/// Longest description of a share or a token, in bytes (Delta Sharing bounds a comment so).
pub const DESCRIPTION_BYTES_MAX: usize = 65_536;

/// Longest time for the body of an admin request to arrive.
pub const ADMIN_BODY_SECONDS_MAX: u64 = 30;

/// Bytes of a body that is too large which are read and thrown away before the answer.
pub const ADMIN_BODY_DISCARD_BYTES_MAX: usize = 32 << 20;

/// Admin requests at once, each with a body in memory; a further one answers 503.
pub const ADMIN_REQUESTS_MAX: usize = 64;

/// Tables that one admin request loads at once, so that it does not starve queries of replay.
pub const ADMIN_LOADS_MAX: usize = 8;

/// Attempts to read the state for a publication before the admin call reports that it failed.
pub const ADMIN_PUBLISH_ATTEMPTS_MAX: u32 = 20;

/// Files in one segment of a snapshot, so that a row number fits 16 bits.
pub const SEGMENT_FILES_MAX: usize = 65_536;

/// Patterns of file names in one segment; further names are text. Two names of a pattern take less than both as text.
pub const NAME_TEMPLATES_MAX: usize = 4_096;

/// Files whose statistics are compressed together: some 140 kB of text when unpacked, which fits a core's cache. Blocks of 1,024
/// files take 6 % less memory, but a query for one partition unpacks what it does not want.
pub const STATS_BLOCK_FILES: usize = 128;

/// Files after which a block ends with its partition, so that a small one is found in a small block for 8 % more memory.
pub const STATS_BLOCK_FILES_MIN: usize = 96;

/// Bytes of statistics after which a segment is closed and put in order: so much takes each list that is being built.
pub const SEGMENT_TEXT_BYTES_MAX: usize = 96 << 20;

/// Unpacked statistics after which a block is closed early, so that a reader's buffer stays small.
pub const STATS_BLOCK_BYTES_MAX: usize = 4 << 20;

/// Largest block of statistics, unpacked: closed by a file with the longest ones, each byte escaped to six.
pub const STATS_UNPACKED_BYTES_MAX: usize =
    STATS_BLOCK_BYTES_MAX + 6 * STATS_BYTES_MAX + 4 * STATS_BLOCK_FILES;

/// Longest statistics of one file that are kept; they are optional, so longer ones are left out.
pub const STATS_BYTES_MAX: usize = 2 << 20;

/// Bytes that a segment's bounds of columns take for each of its files: five that differ in each, in the smallest blocks.
pub const SEGMENT_BOUNDS_FILE_BYTES_MAX: usize = 32;

/// Bytes that bounds may take in a segment however few its files are.
pub const SEGMENT_BOUNDS_BYTES_MIN: usize = 4 << 10;

/// Files of a segment that later commits merge with theirs: so that no commit has to pack more again, some 30 ms of work.
pub const MERGED_FILES_MAX: usize = 8_192;

/// Parts by partition values that a list keeps for whoever asks again; each takes a bit a file.
pub const KEPT_PARTS_MAX: usize = 8;

/// Bytes of partition values that a list numbers; a commit with a new value copies them, some 10 ms at most.
pub const LISTED_VALUES_BYTES_MAX: usize = 16 << 20;

/// Bytes of one kind of text after which a segment is closed: offsets fit 32 bits even if escaping makes six bytes of one.
pub const SEGMENT_ARENA_BYTES_MAX: usize = 256 << 20;

/// One chunk of a streamed answer: large enough for few system calls, small enough to be fair.
pub const CHUNK_BYTES: usize = 128 << 10;

/// Files of one run, the unit in which lines are rendered, packed, kept and written: a whole block, some 0.2 ms of a core.
pub const RUN_FILES_MAX: usize = STATS_BLOCK_FILES;

/// Bytes after which a run of wide lines ends early.
pub const RUN_BYTES_MAX: usize = 256 << 10;

/// The first run of a listing ends after as many bytes: they leave while the rest of the table is still rendered.
pub const FIRST_RUN_BYTES: usize = 16 << 10;

/// What a rendered run costs of a turn at the core, which has 128 units: others have theirs after each.
pub const RENDERED_RUN_UNITS: usize = 128;

/// Bytes of finished runs that cost one unit: a turn hands on 1 MiB, which takes the time of some rendered runs.
pub const FINISHED_BYTES_PER_UNIT: usize = 8 << 10;

/// Blocks without a live file that one step of a listing passes over before others have their turn.
pub const EMPTY_BLOCKS_PER_TURN: usize = 4_096;

/// Share of the finished runs that one lock guards, in bytes; a hundred of the largest fit.
pub const FINISHED_SHARD_BYTES: usize = 32 << 20;

/// Unpacked blocks that a core keeps, in bytes: those of some listings that take turns.
pub const UNPACKED_BYTES_PER_CORE_MAX: usize = 6 << 20;

/// Buffers of bodies that a core keeps for the next answers.
pub const POOLED_BUFFERS_MAX: usize = 16;

/// Largest of these: a whole run and the lines that made it full, in a buffer that grew by doubling.
pub const POOLED_BUFFER_BYTES_MAX: usize = 768 << 10;

/// Snapshots kept in memory, in bytes; the least recently used leave first.
pub const SNAPSHOT_CACHE_BYTES: usize = 2 << 30;

/// Largest single JSON commit that is read, in bytes.
pub const COMMIT_BYTES_MAX: usize = 1 << 30;

/// Messages waiting for one core or for the control plane; a full queue answers 503.
pub const MAILBOX_MESSAGES_MAX: usize = 1_024;

/// Connections one core serves at once; further ones wait in the listen queue.
pub const CONNECTIONS_PER_CORE_MAX: u32 = 16_384;

/// Longest time that a started server waits for its open answers when it is told to stop.
pub const DRAIN_SECONDS_MAX: u64 = 30;

/// Time within which a client has to send the head of a request.
pub const HEAD_SECONDS_MAX: u64 = 30;

/// Shares that one token may open, so that a directory look-up stays small.
pub const TOKEN_SHARES_MAX: usize = 1_000;

/// One read of a local file: large enough for few system calls, small enough to be fair.
pub const FILE_CHUNK_BYTES: usize = 256 << 10;

/// Chunks of a local file that are read before the client has taken the one in front.
pub const FILE_CHUNKS_AHEAD: usize = 2;

/// Tables in one share, so that the directory and one answer of the admin door stay in memory.
pub const SHARE_TABLES_MAX: usize = 100_000;

/// Reads or changes waiting for the state store; a full queue answers 503.
pub const STATE_QUEUE_MAX: usize = 256;

/// Changes committed together: enough to share a flush, few enough that none waits long.
pub const STATE_BATCH_MAX: usize = 64;

/// Longest wait for another connection to the state file, which only tools for repair hold.
pub const STATE_BUSY_MS_MAX: u64 = 5_000;

/// Bytes that hyper may hold for one connection in each direction, so that a slow reader holds one chunk.
pub const CONNECTION_BUFFER_BYTES: usize = 64 << 10;

/// Bytes of a connection that wait in the kernel before it takes more: enough to keep the wire busy until we come again.
pub const UNSENT_BYTES_MAX: u32 = 128 << 10;

/// Unanswered probes after which a silent peer is gone.
pub const KEEPALIVE_PROBES: u32 = 4;

/// Looks at a connection within the time that its reader may take nothing.
pub const STALL_LOOKS: u32 = 4;

/// A reader that takes less between two looks takes nothing: pings alone are more than no bytes.
pub const STALL_BYTES_MIN: u64 = 1 << 10;

/// Requests at once on one HTTP/2 connection.
pub const HTTP2_STREAMS_MAX: u32 = 64;

/// Length of the kernel's queue of connections that wait for `accept`, per core.
pub const LISTEN_QUEUE: i32 = 4_096;

/// Bytes of log lines that wait for the thread that writes them; who fills it up writes them himself.
pub const LOG_BUFFER_BYTES: usize = 64 << 10;

/// Time that the line of a request waits for others: a reader of the log does not notice it.
pub const LOG_DELAY_MS: u64 = 10;

/// Heads of tables that are kept as they are sent.
pub const HEADS_MAX: usize = 256;

/// Longest head that is kept, in bytes, so that all of them take at most 16 MiB.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// Threads of the control plane: replay decodes in parallel, the rest only waits.
pub const CONTROL_THREADS: usize = 2;

/// Threads of the control plane that may block in the kernel at once.
pub const CONTROL_BLOCKING_THREADS_MAX: usize = 16;

/// Longest line of a JSON commit, in bytes: the widest schemas known fill a tenth of it.
pub const COMMIT_LINE_BYTES_MAX: usize = 16 << 20;

/// Bytes of a JSON commit that are read at once; a larger one is read piece by piece.
pub const COMMIT_PIECE_BYTES: u64 = 8 << 20;

/// Bytes of a commit that are read first when only its time is wanted: `commitInfo` stands in front.
pub const FIRST_LINE_BYTES: u64 = 16 << 10;

/// Bytes of a commit that are told as changes at once; their lines are two or three times as many.
pub const CHANGE_PIECE_BYTES: u64 = 1 << 20;

/// Chunks of an answer about changes that are ready before the client has taken the one in front.
pub const FEED_CHUNKS_AHEAD: usize = 2;

/// Versions of one range; what is known of each before its files are told stays in memory.
pub const RANGE_COMMITS_MAX: i64 = 20_000;

/// Schemas that the commits of one range may hold together, in bytes; a usual range holds none or one.
pub const RANGE_SCHEMAS_BYTES_MAX: usize = 64 << 20;

/// Ranges and histories that are read from logs at once, so that asking for them does not starve replays.
pub const LOGS_READ_AT_ONCE: usize = 8;

/// Commits after a range that are looked at before the state at its start is rebuilt instead.
pub const RANGE_HEAD_COMMITS_MAX: i64 = 64;

/// Small commits that are fetched side by side.
pub const COMMITS_FETCHED_AT_ONCE: usize = 8;

/// Commits that a refresh applies to the version before; after more of them a replay is cheaper.
pub const REFRESH_COMMITS_MAX: usize = 64;

/// Values of one shared table's partition filter; each is compared with each distinct value of a segment.
pub const PARTITION_FILTER_VALUES_MAX: usize = 10_000;

/// Properties of a share (Delta Sharing, "Get Share").
pub const SHARE_PROPERTIES_MAX: usize = 50;

/// Longest key of a property, in characters (Delta Sharing, "Get Share").
pub const PROPERTY_KEY_CHARS_MAX: usize = 255;

/// Longest value of a property, in characters (Delta Sharing, "Get Share").
pub const PROPERTY_VALUE_CHARS_MAX: usize = 1_000;

/// Partition values of one file; no known writer takes more than some dozens of partition columns.
pub const PARTITION_COLUMNS_MAX: usize = 256;

/// Largest `_last_checkpoint` that is looked at; it is only a hint.
pub const LAST_CHECKPOINT_BYTES_MAX: u64 = 64 << 10;

/// Bytes of a checkpoint that are fetched at once.
pub const CHECKPOINT_WINDOW_BYTES: usize = 2 << 20;

/// Smallest window, where so many columns are read that each gets only a small one.
pub const CHECKPOINT_WINDOW_BYTES_MIN: usize = 64 << 10;

/// Fetched windows of a checkpoint that are kept: two for each column that is read.
pub const CHECKPOINT_WINDOWS_MAX: usize = 16;

/// Sidecars of one checkpoint: writers put some hundred thousand files into each.
pub const CHECKPOINT_SIDECARS_MAX: usize = 65_536;

/// Rows of a checkpoint that are decoded at once.
pub const CHECKPOINT_BATCH_ROWS: usize = 4_096;

/// Values of a checkpoint that are decoded at once: where hundreds of columns are read, fewer rows are.
pub const CHECKPOINT_BATCH_VALUES: usize = 64 * CHECKPOINT_BATCH_ROWS;

/// Rows of a checkpoint that one thread takes at once: about one segment.
pub const CHECKPOINT_UNIT_ROWS: usize = SEGMENT_FILES_MAX;

/// Units that one row group is cut into at most, because each has to pass over those before it.
pub const CHECKPOINT_UNITS_OF_GROUP: usize = 8;

/// Threads that help all replays; each holds a segment, and windows of 32 MiB of a checkpoint or an unpacked block of a
/// manifest, so that they add less than 1 GiB together.
pub const HELPERS_MAX: usize = 7;

/// Tables that are replayed at the same time, so that memory for decoding stays bounded.
pub const REPLAYS_AT_ONCE: usize = 4;

/// Bytes of a column that are read or written at once: they are still in the core's cache when they are hashed.
pub const COLUMN_PIECE_BYTES: usize = 256 << 10;

/// Files from which on a snapshot is kept on disk: a smaller table is replayed as fast as it is read back.
pub const SPILL_FILES_MIN: u64 = 10_000;

/// Snapshots that wait to be written to disk; further ones are not, until their table changes again.
pub const SPILL_WAITING_MAX: usize = 1_024;

/// Largest description of a snapshot on disk; one of a billion files takes 125 MB for its deleted rows.
pub const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// Segments of one snapshot that are read from disk at the same time.
pub const SEGMENTS_READ_AT_ONCE: usize = 4;

/// Memory that a kept snapshot takes beside its columns: names, maps, the cache's own books.
pub const SNAPSHOT_OVERHEAD_BYTES: usize = 4 << 10;

/// Bytes that a refused upload may still send, so that its client reads the refusal.
pub const REFUSED_BODY_BYTES_MAX: usize = 16 << 20;

/// Time that it has for them.
pub const REFUSED_BODY_SECONDS_MAX: u64 = 5;

/// Longest life of a presigned URL (Amazon S3, "Authenticating requests: using query parameters").
pub const PRESIGNED_SECONDS_MAX: u32 = 604_800;

/// By how much the clock of a recipient that asks for "now" may be ahead of ours.
pub const CLOCK_SKEW_MS_MAX: i64 = 5 * 60 * 1_000;

/// Places outside of a shared table that its files may lie in; each is compared with each directory of them.
pub const ALLOWED_LOCATIONS_MAX: usize = 100;
