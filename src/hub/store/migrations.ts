import type { DatabaseSync } from 'node:sqlite'
import { JikoError } from '../../protocol/error.ts'

/** Step n brings a database from `user_version` n to n + 1. A released step is never edited: add the next one. */
export const MIGRATIONS: readonly string[] = [
  `
  create table programs (program text primary key, created_at integer not null) strict;

  create table devices (
    program text not null references programs,
    key text not null,
    app text not null,
    first_seen integer not null,
    last_seen integer not null,
    revoked_at integer,
    primary key (program, key)
  ) strict;

  create table streams (
    program text not null,
    stream text not null,
    device text not null,
    epoch text not null,
    tip integer not null,
    hash blob not null,
    announced_seq integer not null,
    announced_hash blob not null,
    announced_signature text not null,
    primary key (program, stream),
    foreign key (program, device) references devices
  ) strict;

  create table records (
    program text not null,
    stream text not null,
    seq integer not null,
    line text not null,
    line_hash blob not null,
    hash blob not null,
    verdict text not null,
    received_at integer not null,
    primary key (program, stream, seq),
    foreign key (program, stream) references streams
  ) strict;
  create index records_by_arrival on records (program, received_at, stream, seq);

  create table forks (
    program text not null references programs,
    stream text not null,
    seq integer not null,
    line_hash blob not null,
    line text not null,
    received_at integer not null,
    primary key (program, stream, seq, line_hash)
  ) strict;

  create table attachments (
    program text not null,
    stream text not null,
    sha256 blob not null,
    seq integer not null,
    type text not null,
    whole integer not null,
    primary key (program, stream, sha256),
    foreign key (program, stream) references streams
  ) strict;
  create index attachments_by_hash on attachments (program, sha256);
  create index attachments_lacking on attachments (program, stream, seq) where whole = 0;

  create table blobs (
    program text not null references programs,
    sha256 blob not null,
    bytes integer not null,
    completed_at integer not null,
    primary key (program, sha256)
  ) strict;
  `,
  // What a hub passes on to the one above, and the proof of it. A head announced before counts where the chain reaches it.
  `
  alter table streams add column proven_seq integer not null default 0;
  alter table streams add column above_seq integer not null default 0;
  alter table streams add column final_seq integer not null default 0;
  alter table streams add column divided_after integer;
  create index streams_carryable on streams (program, stream) where proven_seq > final_seq;

  create table heads (
    program text not null,
    stream text not null,
    seq integer not null,
    hash blob not null,
    signature text not null,
    primary key (program, stream, seq),
    foreign key (program, stream) references streams
  ) strict;
  insert into heads select program, stream, announced_seq, announced_hash, announced_signature from streams
    where announced_seq = tip and announced_hash = hash and tip > 0;
  update streams set proven_seq = tip where announced_seq = tip and announced_hash = hash;

  alter table forks add column above integer not null default 0;
  create index forks_to_forward on forks (program, received_at) where above = 0;
  alter table blobs add column above integer not null default 0;
  create index blobs_to_forward on blobs (program, completed_at) where above = 0;

  create table settings (name text primary key, value text not null) strict;
  `,
  // What is in quarantine is counted without a walk over every record.
  "create index records_in_quarantine on records (program) where verdict <> 'ok'",
  // Who may, who was asked to join, and who did what.
  `
  create table members (
    program text not null references programs,
    key text not null,
    role text not null,
    name text not null,
    enrolled_at integer not null,
    enrolled_by text not null,
    primary key (program, key)
  ) strict;

  create table invitations (
    program text not null references programs,
    id blob not null,
    role text not null,
    name text not null,
    created_at integer not null,
    expires_at integer not null,
    created_by text not null,
    used_by text,
    used_at integer,
    primary key (program, id)
  ) strict;

  create table audit (
    program text not null references programs,
    at integer not null,
    id text not null,
    done_by text not null,
    action text not null,
    about text not null,
    primary key (program, at, id)
  ) strict;
  `,
  // What some say of the records of others, by the stream it is about; and which of two lines names an attachment, since
  // one of them may be erased. `blobs.above` becomes 2 once the root has it.
  `
  create table changes (
    program text not null references programs,
    target text not null,
    target_seq integer not null,
    stream text not null,
    seq integer not null,
    line text not null,
    line_hash blob not null,
    erases blob,
    received_at integer not null,
    above integer not null,
    primary key (program, target, stream, seq, line_hash)
  ) strict;
  create index changes_by_line on changes (program, stream, seq);
  create index changes_by_arrival on changes (program, received_at);
  create index changes_that_erase on changes (program) where erases is not null;
  create index blobs_to_confirm on blobs (program, completed_at) where above = 1;

  alter table attachments rename to attachments_before;
  create table attachments (
    program text not null,
    stream text not null,
    seq integer not null,
    sha256 blob not null,
    type text not null,
    whole integer not null,
    primary key (program, stream, seq, sha256),
    foreign key (program, stream) references streams
  ) strict;
  insert into attachments select program, stream, seq, sha256, type, whole from attachments_before;
  drop table attachments_before;
  create index attachments_by_hash on attachments (program, sha256);
  create index attachments_lacking on attachments (program, stream, seq) where whole = 0;
  `,
]

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('pragma user_version').get()?.user_version)
}

/** @throws JikoError `hub/newer-database` when a later Jiko wrote it. */
export function checkVersion(version: number, known: number): void {
  if (version <= known) return
  throw new JikoError(
    'hub/newer-database',
    `the database is of version ${version}, this Jiko knows up to ${known}: run the newer Jiko that wrote it`,
  )
}

/** @throws JikoError `hub/newer-database`. */
export function migrate(database: DatabaseSync, steps: readonly string[] = MIGRATIONS): void {
  if (versionOf(database) === steps.length) return
  // The version is read again under the write lock: two hubs may start on one file at once.
  database.exec('begin immediate')
  try {
    const version = versionOf(database)
    checkVersion(version, steps.length)
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`pragma user_version = ${steps.length}`)
    database.exec('commit')
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}
