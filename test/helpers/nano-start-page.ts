import { startNano } from './nano-start-run.ts'

/** Runs as the page loads, so that its clock began when the page was asked for. */
const wanted = new URLSearchParams(location.search)
const read = async () => new Uint8Array(await (await fetch('/plan')).arrayBuffer())
const input = { name: wanted.get('name') ?? '', dims: (wanted.get('dims') ?? '').split(',').map(Number) }
// Without a name the page only fetches the plan: what it holds then is not nano's.
const started = wanted.has('name') ? startNano(read, input) : undefined
// The session too: what it holds is measured from outside, while it is there.
Object.assign(globalThis, { started, times: started?.then(({ times }) => times) ?? read().then(() => undefined) })
