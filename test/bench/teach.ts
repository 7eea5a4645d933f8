import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listFiles, listSamples } from '../../src/cli/data-set.ts'
import { createEngines } from '../../src/cli/engines.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import { openFolder } from '../../src/cli/pack/open-folder.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { createReadInput } from '../../src/cli/read-input.ts'
import { featuresOf } from '../../src/protocol/features.ts'
import { startCalls } from '../../src/runtime/feeding.ts'
import { openSession } from '../../src/runtime/open-session.ts'
import { taskFor } from '../../src/tasks/table.ts'
import { answerTaught } from '../../src/tasks/teach/head.ts'
import { intervalOf } from '../../src/tasks/teach/interval.ts'
import { train } from '../../src/tasks/teach/train.ts'
import { buildReal, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials, MATERIALS } from '../helpers/sample-inputs.ts'
import { seeded, throwAwaySigner } from '../helpers/synthetic-pack.ts'

const LEAVES = 'datasets/coffee-leaf-lara2018'
const THINGS = ['datasets/sample-photos', 'datasets/fewshot-imprinting']
const SHOTS = [3, 5, 10, 20]
const SEEDS = [1, 2, 3, 4, 5]

interface Seen {
  readonly label: string
  readonly values: readonly number[]
}

/** What a model sees in each photo. */
async function see(folder: string, key: string, samples: Awaited<ReturnType<typeof listSamples>>): Promise<Seen[]> {
  const { manifest, read } = await openFolder(folder, [key])
  const output = featuresOf(manifest.output)
  const [variant] = manifest.variants
  if (!output || !variant) throw new Error(`nothing can be taught from ${manifest.name}`)
  const { session } = await openSession(variant, manifest, createEngines().backends, read)
  // Quality is no matter here: every photo counts.
  const task = await taskFor({ ...manifest, output }, read)
  const seen: Seen[] = []
  for (const sample of samples) {
    try {
      const answer = await task.run(await sample.read(), startCalls(session, manifest))
      if (answer.kind === 'embedding') seen.push({ label: sample.label ?? '', values: answer.values })
    } catch {
      // Too dark or blurred: the app would not take it either.
    }
  }
  await session.dispose()
  return seen
}

const shuffled = <T>(list: readonly T[], random: () => number): T[] =>
  list
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)

interface Tally {
  right: number
  of: number
  claimed: number
  claims: number
  inside: number
  none: number
  strangers: number
  things: number
  thingsOf: number
  refused: number
  sureRight: number
  sure: number
  regressions: number
  runs: number
}
const empty = (): Tally => ({
  right: 0,
  of: 0,
  claimed: 0,
  claims: 0,
  inside: 0,
  none: 0,
  strangers: 0,
  things: 0,
  thingsOf: 0,
  refused: 0,
  sureRight: 0,
  sure: 0,
  regressions: 0,
  runs: 0,
})

const percent = (part: number, of: number): string => `${of > 0 ? ((100 * part) / of).toFixed(1) : '-'} %`.padStart(8)

/**
 * `npm run bench -- teach`: few examples of each class, the rest as test: what was claimed while examples were left out,
 * and what came out. One class in turn is not taught: is it called none of these?
 */
export async function bench(): Promise<void> {
  if (!hasMaterials) throw new Error('it wants ../shared/materials beside the project')
  const signer = await throwAwaySigner()
  const engines = createEngines()
  const packs = await mkdtemp(join(tmpdir(), 'jiko-teach-'))
  try {
    const likeness = realPacks().find(({ name }) => name === 'likeness')
    if (!likeness) throw new Error('the pack "likeness" is missing')
    await writePack(packs, await buildReal(likeness, engines, signer))
    await writePack(packs, await buildPack(await readSourceFolder('models/coffee-leaf'), { engines, signer }))
    const read = createReadInput('image')
    const labels = join(MATERIALS, LEAVES, 'labels.csv')
    const leaves = [
      ...(await listSamples(join(MATERIALS, LEAVES, 'val'), 'image', read, labels)),
      ...(await listSamples(join(MATERIALS, LEAVES, 'test'), 'image', read, labels)),
    ]
    const things = (await Promise.all(THINGS.map((folder) => listFiles(join(MATERIALS, folder), 'image')))).flat()
    const others = things.map((name) => ({ name, label: 'thing', read: () => read(name) }))
    for (const name of ['likeness', 'coffee-leaf']) {
      const seen = await see(join(packs, name), signer.key, leaves)
      report(name, seen, await see(join(packs, name), signer.key, others))
    }
  } finally {
    await rm(packs, { recursive: true, force: true })
  }
}

function report(name: string, seen: readonly Seen[], things: readonly Seen[]): void {
  const all = [...new Set(seen.map(({ label }) => label))].sort()
  console.log(
    `\n${name}: coffee leaves that it ${name === 'likeness' ? 'never saw' : 'was trained to tell apart'}, ${seen.length} photos of ${all.length} kinds; ${SEEDS.length} draws of each`,
  )
  console.log(
    'classes shots   accuracy  claimed  claim holds  sure: share, right   none: new kind, other things, wrongly   method',
  )
  for (const classes of [2, 4]) {
    for (const shots of SHOTS) {
      const tally = empty()
      for (const seed of SEEDS)
        for (const left of all)
          once(
            seen,
            things,
            all.filter((one) => one !== left),
            left,
            classes,
            shots,
            seed,
            tally,
          )
      const t = tally
      console.log(
        `${classes}       ${String(shots).padStart(2)}    ${percent(t.right, t.of)} ${percent(t.claimed, t.claims)} ${percent(t.inside, t.runs)}   ${percent(t.sure, t.of)} ${percent(t.sureRight, t.sure)}  ${percent(t.none, t.strangers)} ${percent(t.things, t.thingsOf)} ${percent(t.refused, t.of)}   ${percent(t.regressions, t.runs)} regression`,
      )
    }
  }
}

function once(
  seen: readonly Seen[],
  things: readonly Seen[],
  known: readonly string[],
  left: string,
  classes: number,
  shots: number,
  seed: number,
  tally: Tally,
): void {
  const random = seeded(seed)
  const chosen = shuffled(known, random).slice(0, classes)
  const lots = chosen.map((label) =>
    shuffled(
      seen.filter((one) => one.label === label),
      random,
    ),
  )
  if (lots.some((lot) => lot.length < shots + 5)) return
  const { learnt, decision, estimate, method } = train(
    lots.map((lot, k) => ({ id: chosen[k] as string, vectors: lot.slice(0, shots).map(({ values }) => values) })),
  )
  const labels = chosen.map((id) => ({ id, name: { en: id } }))
  const ask = ({ values }: Seen) => answerTaught(values, learnt, { labels, decision })
  // Each class counts the same, as it does in the lesson.
  let share = 0
  for (const [k, lot] of lots.entries()) {
    const rest = lot.slice(shots)
    let right = 0
    for (const one of rest) {
      const { label, known: isKnown, sure } = ask(one)
      const ok = isKnown && label === chosen[k]
      right += Number(ok)
      tally.refused += Number(!isKnown)
      tally.sure += Number(sure)
      tally.sureRight += Number(sure && ok)
    }
    tally.right += right
    tally.of += rest.length
    share += right / rest.length / lots.length
  }
  const { low, high } = intervalOf(estimate.right, estimate.of)
  tally.inside += Number(share >= low && share <= high)
  tally.claimed += estimate.right
  tally.claims += estimate.of
  tally.runs += 1
  tally.regressions += Number(method === 'regression')
  for (const one of seen.filter(({ label }) => label === left)) {
    tally.strangers += 1
    tally.none += Number(!ask(one).known)
  }
  for (const one of things) {
    tally.thingsOf += 1
    tally.things += Number(!ask(one).known)
  }
}
