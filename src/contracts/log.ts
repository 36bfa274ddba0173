/**
 * The log: topics of partitions of records, each at an offset. Three implementations keep this contract
 * (memory, embedded, Apache Kafka) and two keep the reading half of it (rate, file: one topic each, whose records no one
 * appends). One suite, `test/contract/log`, holds them to it.
 */

/** The largest record value that a log takes, in bytes. The producer refuses a larger one by name. */
export const RECORD_VALUE_BYTES_MAX = 16 * 1024 * 1024;

export interface Header {
  readonly name: string;
  readonly value: Uint8Array;
}

/** One record on its way into the log. */
export interface RecordInput {
  /** Chooses the partition (murmur2 of its bytes, as Kafka's Java client does); null spreads records over partitions. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly Header[];
  /** Log timestamp in epoch milliseconds; the log's clock if left out. */
  readonly timestampMs?: number;
  /** Overrides the key's choice. */
  readonly partition?: number;
}

/**
 * Records on their way into the log as columns over one block of bytes: no object per record. Row i's value is
 * `bytes[valueStart[i], valueEnd[i])` and its key `bytes[keyStart[i], keyEnd[i])`, which may be within the value; a null
 * key or value has start -1. The columns may be longer than `count`. Rows have no headers, and the log's clock stamps them.
 */
export interface RecordBlock {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
}

/** How far a query has read one partition. */
export interface GroupOffset {
  readonly partition: number;
  /** Offset of the next record that it will read. */
  readonly nextOffset: number;
}

/** Where a run of appended records of one partition has come to lie. */
export interface AppendedRange {
  readonly partition: number;
  /** Offset of the first record of the run; the others follow without a gap. */
  readonly baseOffset: number;
  readonly count: number;
}

export interface TopicOptions extends Retention {
  readonly partitions: number;
  /** Keeps the newest record of every key forever and takes older ones away; without it, retention alone decides. */
  readonly compacted?: boolean;
  /** The largest record that the topic takes, in bytes with its key and headers; the log's own default if left out. */
  readonly recordBytesMax?: number;
}

export interface Retention {
  /** Records older than this may be removed; undefined keeps them forever. */
  readonly retentionMs?: number;
  /** Upper bound of a partition's bytes; undefined is no bound. */
  readonly retentionBytes?: number;
}

export interface TopicDescription {
  readonly name: string;
  /** Differs between a topic and a later one of the same name. */
  readonly id: string;
  readonly partitions: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** Offset of the oldest record that is still there (equals `latest` in an empty partition). */
  readonly earliest: number;
  /** Offset that the next record will get; on logs with transactions, up to which records can be read. */
  readonly latest: number;
  /**
   * Offset behind the last record, if that is above `latest`: the records from there on wait for a transaction that is
   * open.
   */
  readonly end?: number;
  /**
   * Why the partition cannot be asked or read for now, as a part of a sentence; only from `availableOffsets`. Earliest and
   * latest are those that were seen last, or 0.
   */
  readonly unavailable?: string;
}

/** A transaction that is not over, as far as the log tells. */
export interface OpenTransaction {
  readonly producerId: string;
  /** When its producer wrote to the partition last, epoch milliseconds. */
  readonly lastWriteMs: number;
}

/** A half-open range `[start, end)` of one partition. */
export interface ReadRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** Records `[start, end)` of one partition that were there and are gone. */
export interface LostRecords {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  /** The file that held them, if that is what is gone. */
  readonly file?: string;
}

/**
 * What identifies the records just below an offset: the last record batch that was read there. A position is an offset and
 * this mark. If the batch at that place is another one, the log has gone back since (an older copy was restored, a broker
 * lost its unflushed tail, or an unclean election took place), even if the log is longer now than it was then.
 */
export interface HistoryMark {
  /** Offset of the first record of that batch. */
  readonly baseOffset: number;
  /** One past the offset of its last record. */
  readonly nextOffset: number;
  /** The checksum that is stored with the batch, as an unsigned 32-bit integer. */
  readonly checksum: number;
  /** The leader epoch that wrote it (KIP-320); null on logs without leaders, or if the log does not say. */
  readonly leaderEpoch: number | null;
  /**
   * On logs with a chained checksum: the chain's value after this batch, in hexadecimal; it covers every batch before it.
   * Null on other logs.
   */
  readonly chain: string | null;
}

/** The mark of one partition. */
export interface PartitionMark {
  readonly partition: number;
  readonly mark: HistoryMark;
}

/** Where the records that a query has read are no longer those in the log. */
export interface HistoryBreak {
  readonly partition: number;
  /** First offset that is known to differ. */
  readonly start: number;
  /** True if every record below `start` is known to be the one that was read; left out if some of them may differ too. */
  readonly isExact?: boolean;
  /** One past the last offset that was read and differs. */
  readonly end: number;
  /** What was found there instead, in one sentence. */
  readonly why: string;
}

/**
 * Consecutive records of one partition as columns over one block of bytes: no object per record.
 * Row i's value is `bytes[valueStart[i], valueEnd[i])`; a null key or value has start -1. A chunk holds until the next one
 * is asked for: its memory may be used again then, so what is to stay must be copied.
 */
export interface RecordChunk {
  readonly partition: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
  /** Offsets ascend; they may have gaps (compaction, transaction markers). */
  readonly offsets: Float64Array;
  /** Log timestamps, epoch milliseconds. A producer may have written any number: another unit, 0, or Kafka's -1 for none. */
  readonly timestampsMs: Float64Array;
  /** The log timestamps that are no safe integers, exactly, by row; left out if there are none. */
  readonly exactTimestamps?: ReadonlyMap<number, bigint>;
  /** Headers of the rows that have any, by row. */
  readonly headers: ReadonlyMap<number, readonly Header[]>;
  /** The mark of the last record batch in this chunk; absent on logs that cannot go back (`rate`). */
  readonly mark?: HistoryMark;
}

/** What retention took away from one partition. */
export interface RetentionRemoval {
  readonly topic: string;
  readonly partition: number;
  /** Half-open range of the removed offsets. */
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  readonly reason: 'age' | 'size';
}

/**
 * Why a topic does not take a record: it is too large, its timestamp lies outside of what the topic takes, or it is refused
 * for another reason that is in the record, as one without a key by a compacted topic.
 */
export type RecordRefusal = 'too large' | 'timestamp' | 'invalid';

/**
 * What is written in place of a record that a topic does not take. Called again with its own answer where that one is
 * refused too, until it answers undefined: then the append fails.
 */
export type RecordInPlace = (record: RecordInput, refusal: RecordRefusal) => RecordInput | undefined;

/**
 * Appends to several topics that readers see together or not at all. One transaction is open at a time: it begins with
 * the first append after the last `commit` or `abort`. Appends to several topics may be in progress together, and no other two
 * calls. After an error other than RECORD_TOO_LARGE
 * nothing but `abort` or `close` may follow; whether a `commit` that failed took place is settled by the next one to open the
 * same name next.
 */
export interface TransactionalWriter {
  /**
   * Appends within the open transaction. RECORD_TOO_LARGE leaves the transaction open, without any record of this call
   * where the call had one record only. With `inPlaceOf`, another record goes in place of each that the topic refuses.
   * @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE, CONFIG_INVALID, LOG_UNAVAILABLE, STORAGE_FULL, WRITER_FENCED
   */
  append(topic: string, records: readonly RecordInput[], inPlaceOf?: RecordInPlace): Promise<void>;
  /**
   * Shows all of the transaction to readers, forever; where nothing was appended there is nothing to do. Resolves when they
   * see it; with 'decided' as soon as nothing can take it back, even if this process ends: they see it soon after, and
   * before any of the next transaction is written. `close`, and a `commit` without it, wait for that.
   * @throws LOG_UNAVAILABLE (it may have happened all the same), WRITER_FENCED (it has not)
   */
  commit(until?: 'decided' | 'shown'): Promise<void>;
  /** Takes back what was appended since the last commit; no reader has seen it, and none will. */
  abort(): Promise<void>;
  /** Gives connections back. An open transaction is left for the next one to open the name, or for the log's own timeout. */
  close(): Promise<void>;
}

export interface Log {
  readonly format: 'memory' | 'embedded' | 'kafka' | 'rate' | 'file';

  /**
   * Creates the topic, or returns the existing one unchanged (its own partition count wins). Called by producers, and by
   * queries at start on logs without `requireTopic`; safe to repeat, and safe from several processes at once.
   */
  createTopic(name: string, options: TopicOptions): Promise<TopicDescription>;

  /**
   * The topic, which is there already. Called by a query in place of `createTopic`, on logs whose topics belong to those who
   * run them: a misspelt name is an error there, and no new topic.
   * @throws TOPIC_NOT_FOUND, with topics of similar names and how to create this one
   */
  requireTopic?(name: string, options: TopicOptions): Promise<TopicDescription>;

  /** The topic, or undefined if there is none. Called at start and before every plan. */
  describeTopic(name: string): Promise<TopicDescription | undefined>;

  listTopics(): Promise<readonly TopicDescription[]>;

  /**
   * Removes a topic with its records; removing a missing one does nothing. A topic created later under the same name
   * has another id.
   */
  deleteTopic(name: string): Promise<void>;

  /**
   * Earliest and latest of every partition, in partition order.
   * @throws TOPIC_NOT_FOUND
   */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;

  /**
   * The same where some partitions cannot be asked, on logs whose partitions fail one by one: those say why, and the others
   * are as `offsets` has them. @throws TOPIC_NOT_FOUND, LOG_UNAVAILABLE if no partition can be asked
   */
  availableOffsets?(topic: string): Promise<readonly PartitionOffsets[]>;

  /** The transaction that records of a partition wait for, if the log can tell. @throws LOG_UNAVAILABLE */
  openTransactionIn?(topic: string, partition: number): Promise<OpenTransaction | undefined>;

  /**
   * What `offsets` will have come to when all that is there now has been shown, on logs that show it a part at a time.
   * Called once, before the first `offsets`, by a query that reads what there is and ends.
   * @throws TOPIC_NOT_FOUND
   */
  finalOffsets?(topic: string): Promise<readonly PartitionOffsets[]>;

  /**
   * Appends the records in order and resolves when they are durable: one range for every partition touched, in order of
   * partition (on Kafka several if another producer's records are between them, and none for records that turned out
   * to be there although no broker could say where any more). All or nothing within one call on
   * the embedded log. A repeat after an error may append a second time (the query's ids find it); on Kafka a repeat of
   * the very same array after LOG_UNAVAILABLE continues where the first call stopped, and appends nothing twice.
   * @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE, LOG_UNAVAILABLE (retry), STORAGE_FULL (retry)
   */
  append(topic: string, records: readonly RecordInput[]): Promise<readonly AppendedRange[]>;

  /**
   * How many appends may be in progress at once with their records in the order of the calls; 1 if left out. Where one
   * of them fails, those called after it fail too, or have touched other partitions only. They are repeated in the order
   * of the calls, and nothing else is appended before.
   */
  readonly appendsMax?: number;

  /**
   * Appends the rows of a block as `append` does records, on logs that take one. What holds there for the very same array
   * holds here for the very same block, so it must not change before the call has succeeded, or will not be repeated.
   */
  appendBlock?(topic: string, block: RecordBlock): Promise<readonly AppendedRange[]>;

  /**
   * The records of the range, in order, in chunks of bounded size. Asking for a range that starts below `earliest`
   * throws DATA_LOSS that names the missing offsets; one that ends above `latest` throws LOG_CORRUPT. The same range
   * read twice gives the same records. A log that may lose records from its middle gives those before them, and throws
   * DATA_LOSS then.
   */
  read(range: ReadRange): AsyncIterable<RecordChunk>;

  /**
   * The first records of the range that are gone, on logs that may lose some from their middle; undefined if all are
   * there. Called after `read` threw DATA_LOSS, by a query that continues without them. @throws LOG_UNAVAILABLE
   */
  findLost?(range: ReadRange): Promise<LostRecords | undefined>;

  /**
   * The partitions whose records at these marks are not those that were read; empty if all are the same. Called at start,
   * and before a plan if the log can answer cheaply. A mark whose records retention or compaction has removed is no break.
   * `marks` may hold several of one partition, in order of offset: after a break the query gives all that it has, so that
   * the log can say where its records begin to differ.
   * @throws LOG_UNAVAILABLE (retry), TOPIC_NOT_FOUND
   */
  checkHistory?(topic: TopicDescription, marks: readonly PartitionMark[]): Promise<readonly HistoryBreak[]>;

  /** True if `checkHistory` needs no way to a server and back, so that it is called at every look at the log. */
  readonly isHistoryCheap?: boolean;

  /**
   * Resolves true as soon as any partition's latest differs from `known` (indexed by partition), false after
   * `timeoutMs` or when `signal` aborts. Sees a record that another process wrote within 10 ms, without spinning.
   */
  waitForRecords(
    topic: string,
    known: readonly PartitionOffsets[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean>;

  /**
   * One question in place of `describeTopic` and `offsets`, for a query that has read all that it knows of; on logs where
   * each of these is a way to a server and back. Gives the offsets that the topic with this id has now, where nothing
   * unusual is to be seen from the ends of `known` (indexed by partition). Undefined, never an error, where anything else is
   * to be looked at: another topic or number of partitions, records that are gone, a server that is away. A `read` from
   * `known` on that follows may find its records here already.
   */
  follow?(
    topic: TopicDescription,
    known: readonly PartitionOffsets[],
  ): Promise<readonly PartitionOffsets[] | undefined>;

  /**
   * Changes what a topic keeps from the next `enforceRetention` on. Called by producers at start, since the configuration
   * may have changed after the topic was made; safe to repeat. @throws TOPIC_NOT_FOUND, CONFIG_INVALID
   */
  setRetention(topic: string, retention: Retention): Promise<void>;

  /** Applies every topic's retention and gives the space back. Called by producers now and then; safe to repeat. */
  enforceRetention(): Promise<readonly RetentionRemoval[]>;

  /**
   * Shows others how far a query has read, under the name of a group, where the log has such a thing. Called after a
   * commit, for the eyes of lag tools only: no one reads it back, and the offsets that count are the checkpoint's.
   * A repeat overwrites. @throws LOG_UNAVAILABLE (retry), CONFIG_INVALID
   */
  publishOffsets?(group: string, topic: string, offsets: readonly GroupOffset[]): Promise<void>;

  /**
   * Opens the one writer of this name. Every earlier one is fenced (its calls throw WRITER_FENCED from now on), and what
   * it left open is settled: committed where its commit had been decided, taken back otherwise. When this resolves, a
   * reader sees all of what was committed and none of what was not; `topics` names those that writers of this name append
   * to, since a log may have to look there for it. On logs that have such a thing.
   * @throws LOG_UNAVAILABLE (retry), CONFIG_INVALID
   */
  openTransactions?(name: string, topics?: readonly string[]): Promise<TransactionalWriter>;

  /** Releases files and connections. Called once, last; a repeat does nothing. */
  close(): Promise<void>;
}
