import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'
import * as ort from 'onnxruntime-web/wasm'
import { rolldown } from 'rolldown'
import { createEngines } from '../../src/cli/engines.ts'
import { prepareModel } from '../../src/cli/pack/prepare-model.ts'
import { shrink } from '../../src/cli/pack/shrink.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { createGraph } from '../../src/onnx/graph.ts'
import { describePlan } from '../../src/onnx/lower/describe.ts'
import { lower } from '../../src/onnx/lower/lower.ts'
import { readModel } from '../../src/onnx/read.ts'
import { parsePlan } from '../../src/protocol/plan.ts'
import { createNanoBackend } from '../../src/runtime/nano/nano.ts'
import { randomInputs } from '../helpers/compare-engines.ts'
import { architectures, type BenchModel } from '../helpers/nano-models.ts'
import { measureStarts, type Starts } from '../helpers/nano-starts.ts'
import { openPeers } from '../helpers/peers.ts'

const SUPPLIED = fileURLToPath(new URL('../../../shared/materials/models/', import.meta.url))

/** Real models, where they have been supplied beside the project. */
const REAL: Record<string, string> = {
  'MobileNetV1 0.25/128 (real)': 'imagenet-mobilenet/mobilenet_v1_0.25_128_quant',
  'MobileNetV1 0.5/160 (real)': 'imagenet-mobilenet/mobilenet_v1_0.5_160_quant',
  'DS-CNN (real)': 'kws-dscnn-mlperf-tiny/kws_int8',
  'person 96 (real)': 'person-vww-96/vww_int8',
}

/** Processes, and browsers, that are started for the medians of a start. */
const STARTS = 5

interface Times {
  median: number
  /** First and ninth tenth. */
  spread: readonly [number, number]
}

export interface NanoBenchRow {
  name: string
  ms: number
  spread: readonly [number, number]
  ratioOrtInt8: number
  ratioOrtFp32: number
  /** In Chromium, of the fastest of the peers there; null where the net cannot be given to them, or they are not there. */
  ratioBestPeer: number | null
  /** Medians in Chromium, by engine. */
  chromium: Record<string, number> | null
  exact: boolean
  createMs: number
  planBytes: number
  memoryBytes: number
  kernels: string
  /** With weights of 7 bits: milliseconds in Node, and which kernels took them. */
  seven: { ms: number; kernels: string } | null
}

const quantile = (sorted: readonly number[], at: number): number => sorted[Math.floor(sorted.length * at)] ?? Number.NaN

function summarise(times: number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), spread: [quantile(sorted, 0.1), quantile(sorted, 0.9)] }
}

/** Blocks of runs in turns, so that noise and heat meet all engines alike; the first runs of a block warm its caches. */
async function interleave(
  engines: Record<string, () => Promise<unknown>>,
  rounds: number,
): Promise<Record<string, Times>> {
  const times = new Map(Object.keys(engines).map((name) => [name, [] as number[]]))
  for (const run of Object.values(engines)) {
    const start = performance.now()
    for (let i = 0; i < 200 && (i < 10 || performance.now() - start < 400); i++) await run()
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(engines)) {
      for (let i = 0; i < 8; i++) {
        const start = performance.now()
        await run()
        if (i >= 2) times.get(name)?.push(performance.now() - start)
      }
    }
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, summarise(list)]))
}

const createOrt = (model: Bytes): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' })

type Peers = Awaited<ReturnType<typeof openPeers>>

/** Medians of all engines in Chromium; problems of a peer are told, and it is left out. */
async function measurePeers(
  peers: Peers | undefined,
  model: BenchModel,
  rounds: number,
): Promise<Record<string, number> | null> {
  const times = await peers?.measure(model, rounds)
  if (!times) return null
  for (const [name, problem] of Object.entries(times.problems)) console.error(`${model.name}: ${name}: ${problem}`)
  return Object.fromEntries(Object.entries(times.samples).map(([name, list]) => [name, summarise(list).median]))
}

async function measure(model: BenchModel, rounds: number, peers: Peers | undefined): Promise<NanoBenchRow> {
  const { name, int8, float32 } = model
  const graph = createGraph(readModel(int8))
  const inputs = randomInputs(graph, 1)
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([key, { data, dims }]) => [key, new ort.Tensor('float32', data as Float32Array, dims)]),
  )
  const [input] = Object.values(feeds)
  const { plan } = lower(int8)
  // Each on a backend of its own: unpacking, checking and timing the kernels is part of a first session.
  const creations: number[] = []
  let backend = createNanoBackend()
  let nano = await backend.createSession({ engine: 'nano', plan: 'plan' }, async () => plan)
  for (let i = 0; i < 5; i++) {
    const start = performance.now()
    backend = createNanoBackend()
    nano = await backend.createSession({ engine: 'nano', plan: 'plan' }, async () => plan)
    creations.push(performance.now() - start)
  }
  const narrow = model.int7 && lower(model.int7).plan
  const sevenBackend = createNanoBackend()
  const seven = narrow && (await sevenBackend.createSession({ engine: 'nano', plan: 'plan' }, async () => narrow))
  const [quantised, real] = [await createOrt(int8), await createOrt(float32)]
  const realFeeds = { [real.inputNames[0] ?? '']: input as ort.Tensor }
  const output = graph.outputs[0]?.name ?? ''
  const wanted = (await quantised.run(feeds))[output]?.data as Float32Array
  const got = (await nano.run(inputs))[output]?.data as Float32Array
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const exact = wanted.every((value, i) => Math.abs(value - (got[i] ?? Number.NaN)) <= 1e-5 * largest)
  const times = await interleave(
    {
      nano: () => nano.run(inputs),
      int8: () => quantised.run(feeds),
      float32: () => real.run(realFeeds),
      ...(seven && { seven: () => seven.run(inputs) }),
    },
    rounds,
  )
  await Promise.all([quantised.release(), real.release(), nano.dispose(), seven?.dispose()])
  const ms = times.nano?.median ?? Number.NaN
  const chromium = await measurePeers(peers, model, rounds)
  const others = Object.entries(chromium ?? {}).filter(([engine]) => engine !== 'nano')
  const best = Math.min(...others.map(([, median]) => median))
  return {
    name,
    ms,
    spread: times.nano?.spread ?? [Number.NaN, Number.NaN],
    ratioOrtInt8: ms / (times.int8?.median ?? Number.NaN),
    ratioOrtFp32: ms / (times.float32?.median ?? Number.NaN),
    ratioBestPeer: chromium?.nano && others.length > 0 ? chromium.nano / best : null,
    chromium,
    exact,
    createMs: summarise(creations).median,
    planBytes: plan.length,
    memoryBytes: new DataView(plan.buffer, plan.byteOffset).getUint32(12, true),
    kernels: backend.name,
    seven: times.seven ? { ms: times.seven.median, kernels: sevenBackend.name } : null,
  }
}

/** What a phone downloads for the engine: interpreter and all kernels, minified, brotli 11. */
export async function engineBrotliBytes(): Promise<number> {
  const build = await rolldown({
    input: fileURLToPath(new URL('../../src/runtime/nano/nano.ts', import.meta.url)),
    platform: 'browser',
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  const code = output.map((chunk) => ('code' in chunk ? chunk.code : '')).join('')
  return brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length
}

/** What starting with the pack of the coffee leaves costs, and what the memory of it may be. */
export interface NanoStarts {
  planBytes: number
  weightsBytes: number
  arenaBytes: number
  /** Weights x 1.3 + arena + 4 MB. */
  memoryLimit: number
  engines: Record<'node' | 'chromium', { cold: StartTimes; warm: StartTimes; heldBytes: number }>
}

interface StartTimes {
  createMs: number
  firstMs: number
  /** Since the process, or the page, was asked for. */
  answeredMs: number
}

async function measureLeaf(rounds: number): Promise<NanoStarts> {
  const folder = await readSourceFolder(fileURLToPath(new URL('../../models/coffee-leaf', import.meta.url)))
  const prepared = await prepareModel(folder, createEngines().open)
  const { plan } = lower(shrink(prepared, 'int8', folder).graph)
  const { weightsBytes, arenaBytes } = describePlan(parsePlan(plan), plan.length)
  const starts = await measureStarts(plan, rounds)
  const median = (all: readonly Starts[], of: (one: Starts) => number): number => summarise(all.map(of)).median
  const times = (all: readonly Starts[], which: 'cold' | 'warm'): StartTimes => ({
    createMs: median(all, (one) => one[which].createMs),
    firstMs: median(all, (one) => one[which].firstMs),
    answeredMs: median(all, (one) => one[which].answeredAt),
  })
  const engine = (all: readonly Starts[]) => ({
    cold: times(all, 'cold'),
    warm: times(all, 'warm'),
    heldBytes: median(all, (one) => one.heldBytes),
  })
  return {
    planBytes: plan.length,
    weightsBytes,
    arenaBytes,
    memoryLimit: Math.round(1.3 * weightsBytes + arenaBytes + 4e6),
    engines: { node: engine(starts.node), chromium: engine(starts.chromium) },
  }
}

function describeLeaf({ planBytes, weightsBytes, arenaBytes, memoryLimit, engines }: NanoStarts): string {
  const ms = ({ createMs, firstMs, answeredMs }: StartTimes): string =>
    `session ${createMs.toFixed(1)} ms, first answer ${firstMs.toFixed(1)} ms later, ${answeredMs.toFixed(0)} ms after the start`
  return [
    `coffee-leaf: plan ${planBytes} B, weights ${weightsBytes} B, arena ${arenaBytes} B, memory at most ${memoryLimit} B`,
    ...Object.entries(engines).flatMap(([name, { cold, warm, heldBytes }]) => [
      `  ${name} cold: ${ms(cold)}; warm: ${ms(warm)}`,
      `  ${name} holds ${heldBytes} B more than without nano`,
    ]),
  ].join('\n')
}

function realModels(): BenchModel[] {
  return Object.entries(REAL)
    .filter(([, path]) => existsSync(`${SUPPLIED}${path}.qdq.onnx`))
    .map(([name, path]) => ({
      name,
      int8: new Uint8Array(readFileSync(`${SUPPLIED}${path}.qdq.onnx`)),
      float32: new Uint8Array(readFileSync(`${SUPPLIED}${path}.float.onnx`)),
    }))
}

/**
 * nano against onnxruntime-web, int8 and float32, in Node; and beside those against tfjs-wasm and LiteRT.js (float32)
 * in a real Chromium; all on one thread.
 *
 * `--json` for machines (what people read then goes to the other stream), `--rounds N` blocks of each engine (more for quieter medians), `--only TEXT` of a model's name,
 * `--no-peers` to stay in Node (the peers are installed for the bench, which needs the registry once).
 */
export async function bench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      'no-peers': { type: 'boolean' },
    },
  })
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  const tell = values.json ? console.error : console.log
  const bytes = await engineBrotliBytes()
  const rows: NanoBenchRow[] = []
  const peers = values['no-peers']
    ? undefined
    : await openPeers().catch((error) => void console.error(`no peers: ${String(error)}`))
  for (const model of [...realModels(), ...architectures()]) {
    if (!model.name.includes(values.only ?? '')) continue
    const row = await measure(model, Number(values.rounds ?? 15), peers ?? undefined)
    rows.push(row)
    tell(describe(row))
  }
  await peers?.close()
  const leaf = 'coffee-leaf'.includes(values.only ?? '') ? await measureLeaf(STARTS) : undefined
  if (leaf) tell(describeLeaf(leaf))
  tell(`engine and kernels: ${bytes} bytes of brotli`)
  if (!values.json) return
  const models = rows.map(({ name, ms, ratioOrtInt8, ratioOrtFp32, ratioBestPeer, exact }) => ({
    name,
    ms,
    ratioOrtInt8,
    ratioOrtFp32,
    ratioBestPeer,
    exact,
  }))
  console.log(JSON.stringify({ engineBrotliBytes: bytes, models }))
}

function describe(row: NanoBenchRow): string {
  const [low, high] = row.spread.map((ms) => ms.toFixed(2))
  return [
    `${row.name.padEnd(28)} ${row.ms.toFixed(2)} ms (${low}-${high})`,
    `${row.ratioOrtInt8.toFixed(3)} of ort int8`,
    `${row.ratioOrtFp32.toFixed(3)} of ort fp32`,
    row.exact ? 'exact' : 'NOT EXACT',
    `session ${row.createMs.toFixed(1)} ms`,
    `plan ${row.planBytes} B`,
    `memory ${row.memoryBytes} B`,
    row.kernels,
    ...(row.seven ? [`7 bits ${row.seven.ms.toFixed(2)} ms ${row.seven.kernels}`] : []),
    ...(row.chromium
      ? [
          `Chromium: ${Object.entries(row.chromium)
            .map(([engine, median]) => `${engine} ${median.toFixed(2)}`)
            .join(', ')} ms`,
          `${row.ratioBestPeer?.toFixed(3)} of the best peer`,
        ]
      : []),
  ].join(', ')
}
