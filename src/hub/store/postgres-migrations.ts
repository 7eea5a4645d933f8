import type { ClientBase } from 'pg'
import { checkVersion } from './migrations.ts'

/** How many tables hold what is kept by stream; 1 for plain ones. Chosen when a database is made, and kept. */
export type Partitions = number

/**
 * A table whose key begins with (program, stream), whole or spread by the hash of just that: what one transaction writes
 * is always in one part, so that parts can lie on several disks or machines. `docs/growth.md` says how.
 */
function spread(partitions: Partitions, name: string, columns: string, by = 'stream'): string {
  if (partitions === 1) return `create table ${name} (${columns});`
  const parts = Array.from(
    { length: partitions },
    (_, i) => `create table ${name}_${i} partition of ${name} for values with (modulus ${partitions}, remainder ${i});`,
  )
  return [`create table ${name} (${columns}) partition by hash (program, ${by});`, ...parts].join('\n')
}

/**
 * The tables of `migrations.ts` in PostgreSQL's words. Text is compared by its bytes, whatever language the server speaks;
 * a line is bytes, since PostgreSQL's text cannot hold the character 0. Lines, heads and attachments have no foreign key:
 * the transaction that writes them moves their stream's row on. A released step is never edited: add the next one.
 */
export const POSTGRES_MIGRATIONS: readonly ((partitions: Partitions) => string)[] = [
  (partitions) => `
  create domain word as text collate "C";

  create table programs (program word primary key, created_at bigint not null);

  create table devices (
    program word not null references programs,
    key word not null,
    app text not null,
    first_seen bigint not null,
    last_seen bigint not null,
    revoked_at bigint,
    primary key (program, key)
  );

  ${spread(
    partitions,
    'streams',
    `program word not null,
    stream word not null,
    device word not null,
    epoch text not null,
    tip bigint not null,
    hash bytea not null,
    announced_seq bigint not null,
    announced_hash bytea not null,
    announced_signature text not null,
    proven_seq bigint not null,
    above_seq bigint not null,
    final_seq bigint not null,
    divided_after bigint,
    primary key (program, stream),
    foreign key (program, device) references devices`,
  )}
  create index streams_carryable on streams (program, stream) where proven_seq > final_seq;

  ${spread(
    partitions,
    'records',
    `program word not null,
    stream word not null,
    seq bigint not null,
    line bytea not null,
    line_hash bytea not null,
    hash bytea not null,
    verdict text not null,
    received_at bigint not null,
    primary key (program, stream, seq)`,
  )}
  create index records_by_arrival on records (program, received_at, stream, seq);
  create index records_in_quarantine on records (program) where verdict <> 'ok';

  ${spread(
    partitions,
    'heads',
    `program word not null,
    stream word not null,
    seq bigint not null,
    hash bytea not null,
    signature text not null,
    primary key (program, stream, seq)`,
  )}

  create table forks (
    program word not null references programs,
    stream word not null,
    seq bigint not null,
    line_hash bytea not null,
    line bytea not null,
    received_at bigint not null,
    above smallint not null,
    primary key (program, stream, seq, line_hash)
  );
  create index forks_to_forward on forks (program, received_at) where above = 0;

  ${spread(
    partitions,
    'attachments',
    `program word not null,
    stream word not null,
    sha256 bytea not null,
    seq bigint not null,
    type text not null,
    whole smallint not null,
    primary key (program, stream, sha256)`,
  )}
  create index attachments_by_hash on attachments (program, sha256);
  create index attachments_lacking on attachments (program, stream, seq) where whole = 0;

  create table blobs (
    program word not null references programs,
    sha256 bytea not null,
    bytes bigint not null,
    completed_at bigint not null,
    above smallint not null,
    primary key (program, sha256)
  );
  create index blobs_to_forward on blobs (program, completed_at) where above = 0;

  create table settings (name word primary key, value text not null);
  `,
  () => `
  create table members (
    program word not null references programs,
    key word not null,
    role text not null,
    name text not null,
    enrolled_at bigint not null,
    enrolled_by text not null,
    primary key (program, key)
  );

  create table invitations (
    program word not null references programs,
    id bytea not null,
    role text not null,
    name text not null,
    created_at bigint not null,
    expires_at bigint not null,
    created_by text not null,
    used_by text,
    used_at bigint,
    primary key (program, id)
  );

  create table audit (
    program word not null references programs,
    at bigint not null,
    id word not null,
    done_by text not null,
    action text not null,
    about text not null,
    primary key (program, at, id)
  );
  `,
  (partitions) => `
  ${spread(
    partitions,
    'changes',
    `program word not null,
    target word not null,
    target_seq bigint not null,
    stream word not null,
    seq bigint not null,
    line bytea not null,
    line_hash bytea not null,
    erases bytea,
    received_at bigint not null,
    above smallint not null,
    primary key (program, target, stream, seq, line_hash)`,
    'target',
  )}
  create index changes_by_line on changes (program, stream, seq);
  create index changes_by_arrival on changes (program, received_at);
  create index changes_that_erase on changes (program) where erases is not null;
  create index blobs_to_confirm on blobs (program, completed_at) where above = 1;

  alter table attachments drop constraint attachments_pkey, add primary key (program, stream, seq, sha256);
  `,
]

/** Any number, always the same: what two hubs that start at once on one database meet at. */
const LOCK = 1_785_293_377

/** @throws JikoError `hub/newer-database` when a later Jiko made the tables. */
export async function migratePostgres(
  client: ClientBase,
  partitions: Partitions,
  steps: readonly ((partitions: Partitions) => string)[] = POSTGRES_MIGRATIONS,
): Promise<void> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK])
    await client.query('create table if not exists jiko (version integer not null, partitions integer not null)')
    const { rows } = await client.query('select version, partitions from jiko')
    const [made = { version: 0, partitions }] = rows as { version: number; partitions: number }[]
    checkVersion(made.version, steps.length)
    for (const step of steps.slice(made.version)) await client.query(step(made.partitions))
    if (rows.length === 0) await client.query('insert into jiko values ($1, $2)', [steps.length, partitions])
    else await client.query('update jiko set version = $1', [steps.length])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
