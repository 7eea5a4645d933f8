import { expect, it, vi } from 'vitest'
import { onOtherNetwork } from '../../../src/app/state/networks.ts'

it('tells that a network is there again or another one, not that it changed its speed', () => {
  const page = new EventTarget()
  const connection = Object.assign(new EventTarget(), { type: 'cellular' })
  const listener = vi.fn()
  onOtherNetwork(page, connection, listener)
  connection.dispatchEvent(new Event('change'))
  expect(listener).not.toHaveBeenCalled()
  connection.type = 'wifi'
  connection.dispatchEvent(new Event('change'))
  connection.dispatchEvent(new Event('change'))
  expect(listener).toHaveBeenCalledTimes(1)
  page.dispatchEvent(new Event('online'))
  expect(listener).toHaveBeenCalledTimes(2)
})

it('does without what only Chromium says', () => {
  const page = new EventTarget()
  const listener = vi.fn()
  onOtherNetwork(page, undefined, listener)
  page.dispatchEvent(new Event('online'))
  expect(listener).toHaveBeenCalledTimes(1)
})
