import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import type { DecodeReply, DecodeRequest } from '../helpers/decode-page.ts'
import { findChromium } from '../helpers/find-chromium.ts'

const ROUNDS = 9

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** `npm run bench -- decode`: a 12-megapixel photo to 224 pixels, by our way and by the plain one, turn about, in a worker of Chromium. */
export async function bench(): Promise<void> {
  const bundle = await rolldown({ input: 'test/helpers/decode-page.ts', platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const server = createServer((request, response) => {
    const isScript = request.url === '/worker.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? output[0].code : '<!doctype html><title>decode</title>')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    for (const orientation of [1, 6, 3]) {
      const measured = await page.evaluate(
        async ({ rounds, orientation }) => {
          const worker = new Worker('/worker.js', { type: 'module' })
          const ask = (request: DecodeRequest): Promise<DecodeReply> =>
            new Promise((done, fail) => {
              worker.onmessage = ({ data }) => done(data)
              worker.onerror = ({ message }) => fail(new Error(message))
              worker.postMessage(request)
            })
          const made = await ask({ make: { width: 4000, height: 3000, orientation } })
          if (!('photo' in made)) throw new Error('no photo')
          const times = { ours: [] as number[], whole: [] as number[], all: [] as number[] }
          const tensors: Float32Array[] = []
          let sizes = ''
          for (let round = 0; round < rounds; round++) {
            for (const way of ['ours', 'whole'] as const) {
              const reply = await ask({ way, photo: made.photo })
              if (!('tensor' in reply)) throw new Error('no tensor')
              times[way].push(reply.ms)
              if (way === 'ours') times.all.push(reply.all)
              if (round === 0) {
                tensors.push(reply.tensor)
                sizes += `${way} ${reply.width} x ${reply.height}  `
              }
            }
          }
          const [a = new Float32Array(), b = new Float32Array()] = tensors
          let sum = 0
          for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number))
          return { times, sizes, apart: sum / a.length, bytes: made.photo.size }
        },
        { rounds: ROUNDS, orientation },
      )
      const [ours, whole] = [median(measured.times.ours), median(measured.times.whole)]
      const spread = (times: readonly number[]): string =>
        `${Math.min(...times).toFixed(0)}-${Math.max(...times).toFixed(0)}`
      console.log(
        `4000 x 3000 JPEG, orientation ${orientation}, of ${Math.round(measured.bytes / 1000)} KB, ${ROUNDS} rounds, milliseconds: median (range)`,
      )
      const all = median(measured.times.all)
      console.log(`ours, until the model is fed: ${ours.toFixed(0)} (${spread(measured.times.ours)})`)
      console.log(`ours, with preview and what the record keeps: ${all.toFixed(0)} (${spread(measured.times.all)})`)
      console.log(`every pixel on a canvas, then resampled: ${whole.toFixed(0)} (${spread(measured.times.whole)})`)
      console.log(
        `ratio ${(ours / whole).toFixed(2)}; the tensors are ${measured.apart.toFixed(2)} of 255 apart on average (${measured.sizes.trim()})`,
      )
    }
  } finally {
    await browser.close()
    server.close()
  }
}
