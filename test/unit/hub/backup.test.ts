import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { backUpSqlite, openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import { createFakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string): string => join(folder, name)

it('is one moment of a hub that goes on writing, in one file', async () => {
  const hub = await createTestHub({ store: openSqliteStore(file('hub.db')) })
  const phone = await createFakePhone()
  await phone.append(...Array.from({ length: 300 }, (_, i) => resultLine(`leaf ${i}`)))
  await hub.sync(phone, { from: 1, to: 100 })
  const writing = (async () => {
    for (let from = 101; from <= 300; from += 10) await hub.sync(phone, { from, to: from + 9 })
  })()
  await backUpSqlite(file('hub.db'), file('copy.db'))
  await writing
  expect(existsSync(file('copy.db-wal'))).toBe(false)
  const copy = openSqliteStore(file('copy.db'))
  const known = await copy.stream('default', phone.stream)
  expect(known?.tip).toBeGreaterThanOrEqual(100)
  expect(known?.hash).toBe(phone.hashAt(known?.tip ?? 0))
  expect((await copy.lines('default', phone.stream, 1, 999)).map(({ line }) => line)).toEqual(
    phone.lines.slice(0, known?.tip),
  )
  await copy.close()
  expect(await hub.store.count('default')).toBe(300)
  await hub.store.close()
})

it('replaces an older one only when it is whole', async () => {
  const store = openSqliteStore(file('small.db'))
  await store.addProgram('default', 1)
  await store.close()
  writeFileSync(file('older.db'), 'an older backup')
  await expect(backUpSqlite(file('copy.db-nowhere'), join(folder, 'no', 'folder.db'))).rejects.toMatchObject({
    code: 'hub/backup',
  })
  writeFileSync(file('damaged.db'), 'this is no database. '.repeat(99))
  await expect(backUpSqlite(file('damaged.db'), file('older.db'))).rejects.toMatchObject({ code: 'hub/backup' })
  expect(readFileSync(file('older.db'), 'utf8')).toBe('an older backup')
  expect(existsSync(file('older.db.partial'))).toBe(false)
  await backUpSqlite(file('small.db'), file('older.db'))
  const copy = openSqliteStore(file('older.db'))
  expect(await copy.programs()).toEqual(['default'])
  await copy.close()
})
