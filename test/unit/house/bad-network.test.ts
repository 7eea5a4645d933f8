import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type BadNetwork, createBadNetwork } from '../../helpers/bad-network.ts'

let network: BadNetwork
beforeEach(async () => {
  network = await createBadNetwork(() => 'http://localhost:9')
  network.weather = 'captive-portal'
})
afterEach(() => network.close())

const answers = async (): Promise<boolean> => (await fetch(network.url)).ok

it('a network that was cut is back at the same address, however often it is restored', async () => {
  const { url } = network
  await network.cut()
  await expect(fetch(url)).rejects.toThrow()
  await network.restore()
  await network.restore()
  expect([network.url, await answers()]).toEqual([url, true])
  await network.cut()
  await network.cut()
  await expect(fetch(url)).rejects.toThrow()
})

it('says so when somebody else has taken its address, and is back once that is free', async () => {
  const port = Number(new URL(network.url).port)
  await network.cut()
  const other = createServer()
  await new Promise<void>((done) => other.listen(port, 'localhost', done))
  await expect(network.restore()).rejects.toThrow(`port ${port} cannot be listened on again`)
  await new Promise((done) => other.close(done))
  await network.restore()
  expect(await answers()).toBe(true)
})
