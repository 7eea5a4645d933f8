import { SHARE_CACHE, SHARE_FIELD } from '../src/protocol/service-worker.ts'

/**
 * Takes the file that another app shares, and opens the app where it is looked at. It waits in a cache: the page that
 * takes it out may start only now, and may be killed before it has.
 */
export async function takeShared(request: Request, scope: URL, caches: CacheStorage): Promise<Response> {
  const file = (await request.formData()).get(SHARE_FIELD)
  if (file instanceof Blob) await (await caches.open(SHARE_CACHE)).put(new URL(SHARE_FIELD, scope), new Response(file))
  return Response.redirect(new URL('./#/packs', scope).href, 303)
}
