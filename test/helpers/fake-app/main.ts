import { startApp } from '../../../src/app/start.tsx'
import { createFakeKit, type FakeOptions } from '../fake-kit.ts'

/** What the test page is told through its URL: JSON of plain options; photos by URL, `"forever"` for an endless wait. */
export interface FakePageOptions extends Omit<FakeOptions, 'history' | 'delay'> {
  history?: (Omit<NonNullable<FakeOptions['history']>[number], 'photo'> & { photo?: string })[]
  delay?: number | 'forever'
}

const {
  history = [],
  delay = 0,
  ...rest
}: FakePageOptions = JSON.parse(new URLSearchParams(location.search).get('kit') ?? '{}')

async function openKit() {
  const withPhotos = history.map(async ({ photo, ...made }) => ({
    ...made,
    ...(photo && { photo: await (await fetch(photo)).blob() }),
  }))
  return createFakeKit({
    ...rest,
    delay: delay === 'forever' ? Number.POSITIVE_INFINITY : delay,
    history: await Promise.all(withPhotos),
  })
}

const root = document.getElementById('app')
if (root) void startApp(openKit, root)
