/** The part of `navigator.connection` that is used; only Chromium has it. */
export interface Connection {
  readonly type?: string
  addEventListener(type: 'change', listener: () => void): void
}

/**
 * Calls back when there may be more to fetch than before: a network is there again, or it is another one, which may cost
 * less. A link that only got faster or slower is still the same.
 */
export function onOtherNetwork(
  page: Pick<EventTarget, 'addEventListener'>,
  connection: Connection | undefined,
  listener: () => void,
): void {
  page.addEventListener('online', listener)
  let before = connection?.type
  connection?.addEventListener('change', () => {
    const { type } = connection
    if (type === before) return
    before = type
    listener()
  })
}
