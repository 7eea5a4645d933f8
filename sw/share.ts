import { GIVEN, SHARE_CACHE, SHARE_FIELDS } from '../src/protocol/service-worker.ts'

/**
 * Takes what another app shares, and opens the app where it is looked at. It waits in a cache: the page that takes it
 * out may start only now, and may be killed before it has.
 */
export async function takeShared(request: Request, scope: URL, caches: CacheStorage): Promise<Response> {
  const form = await request.formData()
  const shared = await caches.open(SHARE_CACHE)
  // What was shared before and never looked at is not what this one is about.
  for (const key of await shared.keys()) await shared.delete(key)
  for (const field of Object.values(SHARE_FIELDS)) {
    for (const [i, value] of form.getAll(field).entries()) {
      const file = typeof value === 'string' ? new Blob([value], { type: 'text/plain' }) : value
      if (file.size > 0) await shared.put(new URL(`${field}-${i}`, scope), new Response(file))
    }
  }
  return Response.redirect(new URL(`./${GIVEN}`, scope).href, 303)
}
