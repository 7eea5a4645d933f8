import type { Hono } from 'hono'
import { html } from 'hono/html'
import { randomBytes, toBase64Url } from '../../lib/bytes.ts'
import { ENTER_PATH, may } from '../../protocol/enrol.ts'
import { JikoError } from '../../protocol/error.ts'
import { readBody } from '../body.ts'
import type { HubEnv } from '../reader.ts'
import type { HubStore } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import { invitationId } from './invite.ts'
import { cookieOf, SESSION_SECONDS, type Tokens } from './tokens.ts'

const MAX_BYTES = 2048
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Puts the invitation, which only the browser knows, into the form; joining is a person's own click. */
const SCRIPT = `const [, program = '', , token = ''] = location.hash.split('/')
document.querySelector('[name=program]').value = program
document.querySelector('[name=token]').value = token
document.querySelector('button').disabled = token === ''
document.querySelector('#missing').hidden = token !== ''
history.replaceState(null, '', location.pathname)
`

const page = () => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Join | Jiko hub</title>
<link rel="stylesheet" href="/hub/style.css">
</head>
<body>
<header><div><h1><span>Jiko</span> hub: join</h1></div></header>
<main>
  <p>You were invited to see what came in at this hub. The invitation works once, in this browser.</p>
  <form method="post" action="/${ENTER_PATH}">
    <input type="hidden" name="program"><input type="hidden" name="token">
    <p><button disabled>Join with this browser</button></p>
  </form>
  <p id="missing">This page wants the whole link of an invitation, and JavaScript.</p>
</main>
<script src="/${ENTER_PATH}.js"></script>
</body>
</html>`

export interface EnterDeps {
  store: HubStore
  tokens: Tokens
  now: () => number
  knownProgram(name: string): Promise<string>
}

/** Where a browser joins: it becomes a member by a key that is only a name, and is known by a cookie from then on. */
export function addEnterRoutes(app: Hono<{ Bindings: HubEnv }>, { store, tokens, now, knownProgram }: EnterDeps): void {
  app.get(`/${ENTER_PATH}`, async () => {
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }
    return new Response(String(await page()), { headers })
  })
  app.get(
    `/${ENTER_PATH}.js`,
    () => new Response(SCRIPT, { headers: { 'content-type': 'text/javascript; charset=utf-8' } }),
  )
  app.post(`/${ENTER_PATH}`, async (c) => {
    const form = new URLSearchParams(new TextDecoder().decode(await readBody(c.req.raw, MAX_BYTES)))
    const program = await knownProgram(form.get('program') ?? '')
    const at = now()
    // Longer than a device's key, so that nobody's key is ever a browser's name.
    const key = `browser-${toBase64Url(randomBytes(66))}`
    const invitation = await store.redeem(program, await invitationId(form.get('token') ?? ''), { key, at })
    if (!invitation || !may(invitation.role, 'read')) {
      throw new JikoError(
        'hub/bad-invitation',
        'this invitation was used, is over, or is for a phone: ask for a new one',
      )
    }
    const { role, name, by } = invitation
    await store.seeDevice(program, { key, app: 'browser', at })
    await store.addMember(program, { key, role, name, enrolledAt: at, by })
    await writeAudit(store, program, { at, by, action: 'enrol', about: `${role} ${key}` })
    const secure = new URL(c.req.url).protocol === 'https:' ? '; Secure' : ''
    const session = await tokens.issue('session', program, key)
    c.header(
      'set-cookie',
      `${cookieOf(program)}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}${secure}`,
    )
    return c.redirect(`/hub?program=${program}`, 303)
  })
}
