import { startApp } from '../../../src/app/start.tsx'
import { createFakeKit } from '../fake-kit.ts'
import type { FakePageOptions } from './options.ts'
import { addPseudo } from './pseudo.ts'

const {
  history = [],
  delay = 0,
  pseudo = false,
  ...rest
}: FakePageOptions = JSON.parse(new URLSearchParams(location.search).get('kit') ?? '{}')

async function start() {
  const withPhotos = history.map(async ({ photo, ...made }) => ({
    ...made,
    ...(photo && { photo: await (await fetch(photo)).blob() }),
  }))
  const kit = createFakeKit({
    ...rest,
    delay: delay === 'forever' ? Number.POSITIVE_INFINITY : delay,
    history: await Promise.all(withPhotos),
  })
  return { kit, opened: Promise.resolve() }
}

// Every machine shows the same: none has voices of its own.
speechSynthesis.getVoices = () => []
if (pseudo) addPseudo()
const root = document.getElementById('app')
if (root) void startApp(start, root)
