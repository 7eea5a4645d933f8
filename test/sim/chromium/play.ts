import { rolldown } from 'rolldown'
import { corrected } from '../../../src/store/corrected.ts'
import {
  changesAtRoot,
  checkAgreement,
  checkAllSent,
  checkChains,
  checkErased,
  checkMeaning,
  checkPhone,
  checkRoot,
  fail,
  labelsAnywhere,
  lookAtRoot,
} from '../check.ts'
import { type Field, type Played, sync } from './field.ts'
import { createGate } from './gate.ts'
import { happen } from './happen.ts'
import { openHub } from './hub.ts'
import { type ChromiumPhone, openPhone } from './phone.ts'
import { PHONES, type Round } from './rounds.ts'

/** How long the last records may take to reach the root once everything is well. */
const LONG = 90_000

async function pageScript(): Promise<string> {
  const bundle = await rolldown({ input: `${import.meta.dirname}/page.ts`, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  return output[0].code
}

/** Phones first: what they call final was at the root before. */
async function check(field: Field): Promise<void> {
  for (const node of field.phones) await node.look()
  for (const hub of field.hubs) await hub.look()
  lookAtRoot(field)
  for (const node of field.phones) await checkPhone(field, node)
}

/** Everybody gets through; what one sends may be news for its clone. */
async function betterDays(field: Field): Promise<void> {
  const deadline = Date.now() + LONG
  for (let quiet = 0; quiet < 2; ) {
    const all = []
    for (const node of field.phones) all.push(await sync(field, node))
    quiet = all.every(({ allSent }) => allSent) ? quiet + 1 : 0
    if (quiet === 0 && Date.now() > deadline) fail('I3', `phones never got through: ${JSON.stringify(all)}`)
    if (quiet === 0) await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function checkEnd(field: Field): Promise<void> {
  await check(field)
  const there = await labelsAnywhere(field)
  const saved = new Set(field.phones.flatMap((node) => [...node.saved]))
  await betterDays(field)
  await check(field)
  for (const node of field.phones) await checkAllSent(field, node)
  for (const hub of field.hubs) checkChains(hub)
  checkRoot(field, there, saved)
  const changes = changesAtRoot(field)
  checkMeaning(field, changes)
  await checkAgreement(field, changes)
  await checkErased(field, changes)
}

export interface PlayOptions {
  chromiumPath: string
  onRound?: (round: Round, index: number) => void
  /** Makes phones say "saved" too early: the proof that it is noticed. */
  hasty?: boolean
}

/**
 * Plays rounds on real browsers, a real village hub and a real root, and looks after each of them at what lies on the disks,
 * with the checker of the simulator. @throws Broken
 */
export async function playInChromium(
  rounds: readonly Round[],
  { chromiumPath, onRound, hasty = false }: PlayOptions,
): Promise<Played> {
  const closing: (() => Promise<unknown>)[] = []
  try {
    const root = await openHub(0)
    closing.push(() => root.close())
    const village = await openHub(1, root.url)
    closing.push(() => village.close())
    const gate = await createGate(await pageScript(), () => village.url)
    closing.push(() => gate.close())
    const phones: ChromiumPhone[] = []
    closing.push(() => Promise.all(phones.map((node) => node.close())))
    const options = { url: hasty ? `${gate.url}/#hasty` : gate.url, chromiumPath }
    for (let i = 0; i < PHONES; i++) phones.push(await openPhone(options))
    const field: Field = {
      phones,
      hubs: [root, village],
      gate,
      merge: corrected,
      atRoot: new Set(),
      photosAtRoot: new Set(),
      looked: new Map(),
      excused: new Map(),
      played: { rounds: 0, phoneKills: 0, hubKills: 0, records: 0 },
      values: 0,
    }
    for (const [index, round] of rounds.entries()) {
      onRound?.(round, index)
      await happen(field, round, options)
      gate.clear()
      await check(field)
      field.played.rounds += 1
    }
    await checkEnd(field)
    return field.played
  } finally {
    for (const close of closing.reverse()) await close().catch(() => undefined)
  }
}
