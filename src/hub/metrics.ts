import type { Forwarder } from './forward/forward.ts'
import { recentLosses } from './losses.ts'
import type { HubStore, Totals } from './store/store.ts'

/** Upper bounds in seconds: a push on a Raspberry Pi, a slow disk, a phone that sends its photo at 1 KB a second. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH'])

const GAUGES: readonly [keyof Totals, string, string][] = [
  ['devices', 'devices', 'Devices that have synced, and hubs that carried for others.'],
  ['streams', 'streams', 'Logs of which something is known.'],
  ['records', 'records', 'Records stored.'],
  ['quarantined', 'quarantined_records', 'Of the records, those in quarantine.'],
  ['missing', 'missing_records', 'Records that devices announced and that are not here.'],
  ['forks', 'forked_lines', 'Lines kept apart from the chain that they contradict.'],
  ['blobs', 'blobs', 'Whole attachments.'],
  ['blobBytes', 'blob_bytes', 'Bytes of whole attachments.'],
]

interface Histogram {
  /** Of each bucket by itself; the last one is beyond all bounds. */
  counts: number[]
  sum: number
}

export interface MetricsDeps {
  store: HubStore
  version: string
  forwarder?: Forwarder
}

/** Few and known in advance: whatever somebody asks for, the number of series stays the same. */
function routeOf(path: string): string {
  const [, api] = /^\/v1\/[^/]+\/(sync|records|blobs|export|enrol|token)(?:\/|$)/.exec(path) ?? []
  if (api) return api
  const [, page] = /^\/(healthz|metrics|hub|packs|v1)(?:\/|$)/.exec(path) ?? []
  return page ?? 'app'
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const sample = (name: string, labels: Readonly<Record<string, string | number>>, value: number): string => {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(String(text))}"`)
  return `jiko_hub_${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
}

const family = (name: string, type: 'gauge' | 'counter' | 'histogram', help: string, samples: readonly string[]) =>
  samples.length === 0 ? [] : [`# HELP jiko_hub_${name} ${help}`, `# TYPE jiko_hub_${name} ${type}`, ...samples]

/** What `GET /metrics` tells, in the text format of Prometheus. Requests are counted since the hub started. */
export function createMetrics({ store, version, forwarder }: MetricsDeps) {
  const requests = new Map<string, { labels: Record<string, string | number>; count: number }>()
  const durations = new Map<string, Histogram>()

  function histogramOf(route: string): Histogram {
    const known = durations.get(route) ?? { counts: Array<number>(BUCKETS.length + 1).fill(0), sum: 0 }
    durations.set(route, known)
    return known
  }

  function formatHistogram([route, { counts, sum }]: [string, Histogram]): string[] {
    let total = 0
    const buckets = counts.map((count, i) => {
      total += count
      return sample('request_duration_seconds_bucket', { route, le: BUCKETS[i] ?? '+Inf' }, total)
    })
    return [
      ...buckets,
      sample('request_duration_seconds_sum', { route }, sum),
      sample('request_duration_seconds_count', { route }, total),
    ]
  }

  async function describeStore(): Promise<string[]> {
    const programs = await store.programs()
    const totals = await Promise.all(programs.map((program) => store.totals(program)))
    const lost = await Promise.all(programs.map(async (program) => (await recentLosses(store, program)).length))
    const emptied = programs.map((program, i) => sample('storage_lost', { program }, lost[i] ?? 0))
    const gauges = GAUGES.flatMap(([field, name, help]) => {
      const samples = programs.map((program, i) => sample(name, { program }, totals[i]?.[field] ?? 0))
      return family(name, 'gauge', help, samples)
    })
    const help = 'Times that phones said lately their browser had emptied storage.'
    return [...gauges, ...family('storage_lost', 'gauge', help, emptied)]
  }

  async function describeForwarding({ status }: Forwarder): Promise<string[]> {
    const samples: string[] = []
    for (const program of await store.programs()) {
      const lag = await store.lag(program)
      for (const [kind, count] of Object.entries(lag)) samples.push(sample('forward_waiting', { program, kind }, count))
    }
    const { lastContact } = status()
    return [
      ...family('forward_waiting', 'gauge', 'What the root (records) or the hub above is not known to have.', samples),
      ...family(
        'forward_last_contact_seconds',
        'gauge',
        'When the hub above last answered, in seconds since 1970.',
        lastContact === undefined ? [] : [sample('forward_last_contact_seconds', {}, lastContact / 1000)],
      ),
    ]
  }

  return {
    /** @param ms how long the answer took to begin. */
    count(method: string, path: string, status: number, ms: number): void {
      const route = routeOf(path)
      const labels = { method: METHODS.has(method) ? method : 'other', route, status }
      const key = Object.values(labels).join(' ')
      const known = requests.get(key) ?? { labels, count: 0 }
      requests.set(key, { labels, count: known.count + 1 })
      // A clock set back is no reason for a negative time.
      const seconds = Math.max(0, ms / 1000)
      const histogram = histogramOf(route)
      const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
      const at = bucket < 0 ? BUCKETS.length : bucket
      histogram.counts[at] = (histogram.counts[at] ?? 0) + 1
      histogram.sum += seconds
    },
    async describe(): Promise<string> {
      const counted = [...requests.values()].map(({ labels, count }) => sample('requests_total', labels, count))
      const lines = [
        ...family('info', 'gauge', 'The version that runs.', [sample('info', { version }, 1)]),
        ...(await describeStore()),
        ...(forwarder ? await describeForwarding(forwarder) : []),
        ...family('requests_total', 'counter', 'Requests answered.', counted),
        ...family(
          'request_duration_seconds',
          'histogram',
          'Time until an answer began.',
          [...durations].flatMap(formatHistogram),
        ),
      ]
      return `${lines.join('\n')}\n`
    },
  }
}
