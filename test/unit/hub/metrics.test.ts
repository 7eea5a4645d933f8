import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../../src/hub/metrics.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN, type TestHub } from '../../helpers/test-hub.ts'

async function metricsOf(hub: TestHub): Promise<{ text: string; value(series: string): number | undefined }> {
  const response = await hub.ask('/metrics')
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  const text = await response.text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const values = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
  expect(values.size).toBe(lines.length)
  return { text, value: (series) => values.get(series) }
}

describe('GET /metrics', () => {
  it('counts what is here', async () => {
    const hub = await createTestHub()
    await hub.store.addProgram('coffee', 1)
    const phone = await createFakePhone()
    const clone = phone.clone()
    const image = utf8('photo')
    await phone.append(resultLine('a', { attachments: [await photoOf(image)] }), 'poison', resultLine('c'))
    await clone.append(resultLine('other'))
    await hub.sync(phone, { from: 1, to: 2 })
    await hub.sync(clone, { from: 1 })
    await hub.fetch(await phone.patch((await photoOf(image)).sha256, image, ORIGIN), { remoteAddress: '10.0.0.2' })
    const { value } = await metricsOf(hub)
    const here = (name: string, program = 'default') => value(`jiko_hub_${name}{program="${program}"}`)
    expect(here('records')).toBe(2)
    expect(here('records', 'coffee')).toBe(0)
    expect(here('quarantined_records')).toBe(1)
    expect(here('missing_records')).toBe(1)
    expect(here('streams')).toBe(1)
    expect(here('devices')).toBe(1)
    expect(here('forked_lines')).toBe(1)
    expect(here('blobs')).toBe(1)
    expect(here('blob_bytes')).toBe(5)
    expect(value('jiko_hub_info{version="0.0.0-test"}')).toBe(1)
    expect(value('jiko_hub_forward_waiting{program="default",kind="records"}')).toBeUndefined()
  })

  it('tells what waits for the hub above', async () => {
    const hub = await createTestHub({ upstream: 'http://district.test' })
    const phone = await createFakePhone()
    await phone.append(resultLine('a'), resultLine('b'))
    await hub.sync(phone, { from: 1 })
    await hub.store.noteAbove('default', phone.stream, { held: 2, final: 1 })
    const { value, text } = await metricsOf(hub)
    expect(value('jiko_hub_forward_waiting{program="default",kind="records"}')).toBe(1)
    expect(value('jiko_hub_forward_waiting{program="default",kind="blobs"}')).toBe(0)
    expect(text).not.toContain('last_contact')
  })

  it('counts requests, the same series whatever anybody asks for', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append(resultLine('a'))
    await hub.sync(phone, { from: 1 })
    await hub.sync(phone)
    for (let i = 0; i < 30; i++) await hub.ask(`/v1/made-up-${i}/sync`, { method: 'POST' })
    for (let i = 0; i < 30; i++) await hub.ask(`/${i}/${'"\n{}'.repeat(i)}`, { method: i % 2 ? 'GET' : 'BREW' })
    const { value, text } = await metricsOf(hub)
    expect(value('jiko_hub_requests_total{method="POST",route="sync",status="200"}')).toBe(2)
    expect(value('jiko_hub_requests_total{method="POST",route="sync",status="404"}')).toBe(30)
    expect(value('jiko_hub_requests_total{method="other",route="app",status="404"}')).toBe(15)
    expect(value('jiko_hub_request_duration_seconds_count{route="sync"}')).toBe(32)
    expect(text.match(/jiko_hub_requests_total\{/g)).toHaveLength(4)
  })

  it('is for this machine only, like the records', async () => {
    const hub = await createTestHub()
    const response = await hub.fetch(new Request(`${ORIGIN}/metrics`), { remoteAddress: '192.168.1.20' })
    expect([response.status, (await response.json()).error.code]).toEqual([403, 'hub/not-a-reader'])
  })

  it('sorts durations into buckets that add up', async () => {
    const metrics = createMetrics({ store: createMemoryStore(), version: 'a"b\\c\n' })
    for (const ms of [0, 5, 6, 499, 61_000, -3]) metrics.count('GET', '/healthz', 200, ms)
    const text = await metrics.describe()
    const buckets = [...text.matchAll(/_bucket\{route="healthz",le="([^"]+)"\} (\d+)/g)].map(([, le, count]) => [
      le,
      count,
    ])
    expect(buckets).toEqual([
      ['0.005', '3'],
      ['0.025', '4'],
      ['0.1', '4'],
      ['0.5', '5'],
      ['2.5', '5'],
      ['10', '5'],
      ['60', '5'],
      ['+Inf', '6'],
    ])
    expect(text).toContain('_sum{route="healthz"} 61.51')
    expect(text).toContain('version="a\\"b\\\\c\\n"')
    expect(text.endsWith('\n')).toBe(true)
  })
})
