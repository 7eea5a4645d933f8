import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngines } from '../../src/cli/engines.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import type { WayReport } from '../../src/protocol/worker.ts'
import { ORT_THREADS, ORT_WASM } from '../../src/runtime/ort-ids.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { complete } from '../helpers/field-app.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { KIT_PAGE, openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import { buildReal, materialBytes, type Question, realPacks } from '../helpers/real-packs.ts'
import { hasMaterials } from '../helpers/sample-inputs.ts'
import { throwAwaySigner } from '../helpers/synthetic-pack.ts'

declare const page: KitPage

const ROUNDS = 5
/** Large and small, with convolutions and with a recurrent net. */
const PACKS = ['objects', 'imagenet', 'likeness', 'text-line', 'page', 'speech']

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

const given = ({ file = '' }: Question) => ({
  base64: Buffer.from(materialBytes(file)).toString('base64'),
  type: file.endsWith('.wav') ? 'audio/wav' : 'image/jpeg',
})

/**
 * `npm run bench -- threads`: onnxruntime-web on one core and on several, in an isolated page of Chromium, by the very race
 * that chooses on a phone; turn about, again and again, and how often threads would have been taken.
 */
export async function bench(): Promise<void> {
  if (!hasMaterials) throw new Error('there is no shared/materials beside the project: nothing to run')
  const folder = await mkdtemp(join(tmpdir(), 'jiko-threads-'))
  const signer = await throwAwaySigner()
  const { backends, open } = createEngines()
  const engines = { open, backends: backends.filter(({ engine }) => engine === 'onnx') }
  const packs = realPacks().filter(({ name }) => PACKS.includes(name))
  for (const pack of packs) {
    // Without nano: where that runs a pack, onnxruntime-web is not there at all.
    await writePack(folder, await buildReal(pack, engines, signer))
  }
  const server = await serveKitPage(folder, [signer.key])
  const { context, profile } = await openProfile({ launch: { executablePath: findChromium() } })
  try {
    const tab = await context.newPage()
    await openKitPage(tab, server)
    await complete(tab, KIT_PAGE)
    await openKitPage(tab, server)
    if (!(await tab.evaluate(() => crossOriginIsolated))) throw new Error('the page is not isolated')
    console.log(`${cpus().length} cores; milliseconds of a run on golden inputs, median (range) of ${ROUNDS} races`)
    for (const { name, questions } of packs) {
      await tab.evaluate((pack) => page.install(pack), name)
      const times: Record<string, number[]> = { [ORT_WASM]: [], [ORT_THREADS]: [] }
      let taken = 0
      for (let round = 0; round < ROUNDS; round++) {
        await tab.evaluate(() => page.measureAgain())
        const ways = await race(name, questions[0] as Question)
        for (const { backend, ms = Number.NaN, used } of ways) {
          times[backend]?.push(ms)
          if (used && backend === ORT_THREADS) taken += 1
        }
      }
      const said = (id: string): string => {
        const list = times[id] ?? []
        return `${median(list).toFixed(1)} (${Math.min(...list).toFixed(1)}-${Math.max(...list).toFixed(1)})`
      }
      const runs = times[ORT_WASM]?.length ?? 0
      console.log(
        `${name.padEnd(12)} one core ${said(ORT_WASM)}, threads ${said(ORT_THREADS)}; threads taken ${taken} of ${runs}`,
      )
    }

    /** Asks once, and waits until both were timed; nothing where onnxruntime-web does not run the pack. */
    async function race(name: string, question: Question): Promise<WayReport[]> {
      const asked = await tab.evaluate(([pack, what]) => page.ask(pack, what), [name, given(question)] as const)
      if ('code' in asked) throw new Error(`${name}: ${asked.code}`)
      for (;;) {
        const ways = (await tab.evaluate(() => page.device())).packs.find((pack) => pack.name === name)?.ways ?? []
        const here = ways.filter(({ backend }) => backend === ORT_WASM || backend === ORT_THREADS)
        const problem = here.find(({ reason }) => reason !== undefined)
        if (problem) throw new Error(`${name} on ${problem.backend}: ${problem.reason}`)
        if (here.length === 2 && here.every(({ ms }) => ms !== undefined)) return here
        await new Promise((done) => setTimeout(done, 200))
      }
    }
  } finally {
    await context.close()
    await deleteProfile(profile)
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
