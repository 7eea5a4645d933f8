import type { Role } from '../../protocol/enrol.ts'

/**
 * The tables, as Kysely sees them. Hashes are 32 bytes, times milliseconds since 1970, flags 0 or 1, lines what `TextColumn`
 * makes of them.
 */
export interface Tables {
  programs: { program: string; created_at: number }
  devices: {
    program: string
    key: string
    app: string
    first_seen: number
    last_seen: number
    revoked_at: number | null
  }
  streams: {
    program: string
    stream: string
    device: string
    epoch: string
    tip: number
    hash: Uint8Array
    announced_seq: number
    announced_hash: Uint8Array
    announced_signature: string
    proven_seq: number
    above_seq: number
    final_seq: number
    divided_after: number | null
  }
  heads: { program: string; stream: string; seq: number; hash: Uint8Array; signature: string }
  records: {
    program: string
    stream: string
    seq: number
    line: string | Uint8Array
    line_hash: Uint8Array
    hash: Uint8Array
    verdict: string
    received_at: number
  }
  forks: {
    program: string
    stream: string
    seq: number
    line_hash: Uint8Array
    line: string | Uint8Array
    received_at: number
    /** 1 once the hub above has it. */
    above: number
  }
  attachments: {
    program: string
    stream: string
    sha256: Uint8Array
    seq: number
    type: string
    /** 1 once the blob is known to be whole: what still lacks is found without looking at all that does not. */
    whole: number
  }
  changes: {
    program: string
    target: string
    target_seq: number
    stream: string
    seq: number
    line: string | Uint8Array
    line_hash: Uint8Array
    erases: Uint8Array | null
    received_at: number
    /** 1 where the hub above handed it down. */
    above: number
  }
  /** `above`: 1 once the hub above has it, 2 once the root has. */
  blobs: { program: string; sha256: Uint8Array; bytes: number; completed_at: number; above: number }
  settings: { name: string; value: string }
  members: { program: string; key: string; role: Role; name: string; enrolled_at: number; enrolled_by: string }
  invitations: {
    program: string
    /** SHA-256 of the token. */
    id: Uint8Array
    role: Role
    name: string
    created_at: number
    expires_at: number
    created_by: string
    used_by: string | null
    used_at: number | null
  }
  audit: { program: string; at: number; id: string; done_by: string; action: string; about: string }
}
