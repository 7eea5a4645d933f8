import type { PackStore } from '../packs/store.ts'
import { asVariant, type Manifest, parseSignedManifest } from '../protocol/manifest.ts'
import type { DeviceReport, WayReport } from '../protocol/worker.ts'
import { memoryNeed } from '../runtime/memory.ts'
import type { PackRoom } from './pack-room.ts'
import type { Choice, Verdicts } from './verdicts.ts'

/** The way that answers: the best of which everything is here. Nothing when the pack cannot run here at all. */
async function usedWay(packs: PackRoom, manifest: Manifest): Promise<Choice | undefined> {
  let choices: readonly Choice[] = []
  try {
    choices = packs.verdicts.choices(manifest)
  } catch {
    // Each way has its reason in the list.
  }
  for (const choice of choices) if (await packs.isHere(manifest, choice)) return choice
  return undefined
}

function describe(verdicts: Verdicts, manifest: Manifest, way: Choice): WayReport {
  const found = verdicts.finding(manifest, way)
  const reason = verdicts.tooLarge(manifest, way) ?? (typeof found === 'string' ? found : undefined)
  return {
    variant: way.variant.name,
    backend: way.backend.id,
    memory: memoryNeed(asVariant(manifest, way.variant), way.program),
    here: false,
    used: false,
    ...(typeof found === 'number' && { ms: found }),
    ...(reason !== undefined && { reason }),
  }
}

/** What runs each installed pack on this device, and why nothing else does. */
export async function reportDevice(packs: PackRoom, store: PackStore): Promise<DeviceReport> {
  const { verdicts } = packs
  const report: DeviceReport = { memory: verdicts.limit, packs: [] }
  for (const name of await store.listManifests()) {
    const text = await store.getManifest(name)
    if (text === undefined) continue
    const { manifest } = parseSignedManifest(text)
    const used = await usedWay(packs, manifest)
    const ways: WayReport[] = []
    for (const way of verdicts.ways(manifest)) {
      const isUsed = used?.variant.name === way.variant.name && used.backend === way.backend
      ways.push({ ...describe(verdicts, manifest, way), here: await packs.isHere(manifest, way), used: isUsed })
    }
    report.packs.push({ name, ways })
  }
  return report
}
