import { randomBytes, toBase64Url } from '../../lib/bytes.ts'
import type { AuditEntry, HubStore } from '../store/store.ts'

/** Writes down what was done; never a token, a PIN or what a record says. */
export const writeAudit = (store: HubStore, program: string, entry: Omit<AuditEntry, 'id'>): Promise<void> =>
  store.addAudit(program, { ...entry, id: toBase64Url(randomBytes(9)) })
