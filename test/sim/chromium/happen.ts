import { cutRequest } from '../../unit/sync/link.ts'
import { PROGRAM } from '../../unit/sync/world.ts'
import { fail, labelOf } from '../check.ts'
import { faultOf } from '../faults.ts'
import { type Field, nextLabel, sync, write } from './field.ts'
import type { HubOnDisk } from './hub.ts'
import type { PhonePage } from './page.ts'
import { type ChromiumPhone, openPhone } from './phone.ts'
import type { Round } from './rounds.ts'

declare const phone: PhonePage

const SLOW = { bytes: 2500, latency: 2000 }
const PHOTO = 40_000
/** Runs in which connections of a thousand bytes must get something across. */
const PATIENCE = 14
const WINDOW = 1000
const MOST_PHONES = 3
const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T

/** While `job` goes on, which the death of its browser may end. */
async function dying(field: Field, node: ChromiumPhone, job: Promise<unknown>): Promise<void> {
  await job.catch((error) => {
    if (!node.context.browser()?.isConnected() || /closed|crash/i.test(String(error))) return
    throw error
  })
  field.gate.clear()
  field.played.phoneKills += 1
  await node.reopen()
}

async function killedSaving(field: Field, node: ChromiumPhone, after: number): Promise<void> {
  // Begun by the first word of "saved", so that there is always one to lose.
  await write(field, node)
  const labels = Array.from({ length: 40 }, () => nextLabel(field))
  const saving = node.page.evaluate(async (all) => {
    for (const label of all) await phone.write(label, [2000])
  }, labels)
  const timer = setTimeout(() => node.kill(), after)
  await dying(field, node, Promise.all([saving, new Promise((resolve) => setTimeout(resolve, after + 1))]))
  clearTimeout(timer)
}

async function hubKilled(field: Field, node: ChromiumPhone, { nth, answered }: Extract<Round, { type: 'hub-killed' }>) {
  const [, village] = field.hubs
  await write(field, node, [3000, 20_000])
  let killed: Promise<void> | undefined
  const kill = (number: number): void => {
    if (number < nth || killed) return
    field.played.hubKills += 1
    killed = village.kill()
  }
  field.gate.watch = answered
    ? {
        async onAnswer(number) {
          kill(number)
          if (killed) throw new Error('nobody hears it')
        },
      }
    : { onRequest: kill }
  await sync(field, node)
  await killed
  field.gate.clear()
  if (killed) await village.restart()
}

/** How much of a phone's records its hub has. */
async function tipAt(hub: HubOnDisk, node: ChromiumPhone): Promise<number> {
  await Promise.all([hub.look(), node.look()])
  const streams = await node.disk.open().transact('read', (tables) => tables.streams())
  const there = hub.disk.state.programs.get(PROGRAM)?.streams
  return streams.reduce((sum, { stream }) => sum + (there?.get(stream)?.tip ?? 0), 0)
}

async function drip(field: Field, node: ChromiumPhone): Promise<void> {
  const [, village] = field.hubs
  await sync(field, node)
  const before = await tipAt(village, node)
  for (let i = 0; i < 3; i++) await write(field, node)
  field.gate.weather = cutRequest(WINDOW, field.gate.reach)
  for (let run = 0; run < PATIENCE; run++) {
    const { local } = await sync(field, node)
    if (local === 0 || (await tipAt(village, node)) > before) return field.gate.clear()
  }
  fail('I7', `connections of ${WINDOW} bytes get nothing across in ${PATIENCE} runs`)
}

/** Only held receipts are given, since the root does not answer; then nothing is left of the hub that gave them. */
async function villageLost(field: Field, node: ChromiumPhone): Promise<void> {
  const [root, village] = field.hubs
  root.freeze(true)
  await write(field, node, [3000])
  await sync(field, node)
  await village.replace()
  root.freeze(false)
  field.played.hubKills += 1
}

async function tabs(field: Field, node: ChromiumPhone): Promise<void> {
  const other = await node.openTab()
  await Promise.all([
    sync(field, node),
    write(field, node, [1500]),
    write(field, node, [], other),
    sync(field, node, other),
  ])
  await other.close()
}

async function clone(field: Field, node: ChromiumPhone, options: { url: string; chromiumPath: string }): Promise<void> {
  if (field.phones.length >= MOST_PHONES) return
  const profile = await node.copyProfile()
  field.played.phoneKills += 1
  node.copied = true
  field.phones.push(await openPhone({ ...options, profile, saved: node.saved, named: node.named }))
}

async function say(field: Field, record: number, blind: boolean): Promise<void> {
  const [root] = field.hubs
  await root.look()
  const rows = [...(root.disk.state.programs.get(PROGRAM)?.rows ?? [])]
  const lines = rows.flatMap(([stream, all]) => all.map(({ seq, line }) => ({ id: `${stream}/${seq}`, line })))
  const results = lines.filter(({ line }) => labelOf(line) !== undefined)
  if (results.length === 0) return
  const { id: ref } = pick(results, record)
  const heard = lines.filter(({ line }) => line.includes('"correction"') && line.includes(`"ref":"${ref}"`))
  field.values += 1
  const change = {
    kind: 'correction',
    ref,
    patch: { label: `value-${field.values}` },
    base: blind ? [] : heard.map(({ id }) => id),
  }
  const response = await fetch(`${root.url}/v1/${PROGRAM}/changes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: root.url },
    body: JSON.stringify({ v: 1, change }),
  })
  if (!response.ok) throw new Error(`the root does not let a reviewer speak: ${await response.text()}`)
}

async function speak(field: Field, node: ChromiumPhone, what: Extract<Round, { type: 'speak' }>['what']) {
  await write(field, node)
  if (what === 'retract') await node.page.evaluate(() => phone.retract())
  else if (what === 'erase') {
    const label = await node.page.evaluate(() => phone.erase())
    if (label !== undefined) field.excused.set(label, 'erased by its phone')
  } else {
    field.values += 1
    const said = [`value-${field.values}`, what === 'blind'] as const
    await node.page.evaluate(([value, blind]) => phone.correct(value, blind), said)
  }
}

export async function happen(
  field: Field,
  round: Round,
  options: { url: string; chromiumPath: string },
): Promise<void> {
  const { gate } = field
  if (round.type === 'say') return say(field, round.record, round.blind)
  const node = pick(field.phones, round.phone)
  switch (round.type) {
    case 'killed-saving':
      return killedSaving(field, node, round.after)
    case 'killed-uploading':
      await write(field, node, [3000, PHOTO])
      await node.throttle({ bytes: 40_000, latency: 20 })
      gate.watch = { onUpload: (bytes) => void (bytes > round.bytes && node.kill()) }
      return dying(field, node, sync(field, node))
    case 'killed-hearing':
      await write(field, node, [3000, 20_000])
      gate.watch = {
        async onAnswer(number) {
          if (number >= round.nth) node.kill()
        },
      }
      return dying(field, node, sync(field, node))
    case 'hub-killed':
      return hubKilled(field, node, round)
    case 'faults':
      await write(field, node, [1500])
      gate.next(...round.faults.map((index) => faultOf(index, gate.reach, () => write(field, node))))
      await sync(field, node)
      return gate.clear()
    case 'slow':
      await write(field, node, [3000])
      await node.throttle(SLOW)
      await sync(field, node)
      return node.throttle()
    case 'drip':
      return drip(field, node)
    case 'tabs':
      return tabs(field, node)
    case 'speak':
      return speak(field, node, round.what)
    case 'cloned':
      return clone(field, node, options)
    case 'village-lost':
      return villageLost(field, node)
    case 'pruned':
      node.pruned = true
      await sync(field, node)
      return void (await node.page.evaluate(() => phone.prune(4000)))
  }
}
