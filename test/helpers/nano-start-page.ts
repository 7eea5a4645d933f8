import { startNano } from './nano-start-run.ts'

/** Runs as the page loads, so that its clock began when the page was asked for. */
const wanted = new URLSearchParams(location.search)
const measured = (performance as Performance & { measureUserAgentSpecificMemory?(): Promise<{ bytes: number }> })
  .measureUserAgentSpecificMemory
const memory = async (): Promise<number> => (await measured?.call(performance))?.bytes ?? Number.NaN

Object.assign(globalThis, {
  started: startNano(
    async () => new Uint8Array(await (await fetch('/plan')).arrayBuffer()),
    { name: wanted.get('name') ?? '', dims: (wanted.get('dims') ?? '').split(',').map(Number) },
    wanted.has('memory') ? memory : undefined,
  ),
})
