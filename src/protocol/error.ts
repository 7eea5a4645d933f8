import type { BaseIssue } from 'valibot'

/** Areas of the house; the first half of every error code. */
export type ErrorArea =
  | 'input'
  | 'pack'
  | 'download'
  | 'storage'
  | 'runtime'
  | 'model'
  | 'task'
  | 'log'
  | 'sync'
  | 'hub'
  | 'teach'
  | 'worker'
  | 'cli'

/** Stable, documented, and what callers switch on: `area/reason`. */
export type ErrorCode = `${ErrorArea}/${string}`

export interface ErrorOptions {
  cause?: unknown
  /** Facts for a translated message, e.g. `{ limit: 50, got: 100 }`. Plain data only: it crosses threads. */
  detail?: Readonly<Record<string, string | number | boolean>>
}

/** The one error class. The message says what was got and what to do; the code is stable. Aborts are not this: they stay `AbortError`. */
export class JikoError extends Error {
  override readonly name = 'JikoError'
  readonly code: ErrorCode
  readonly detail: Readonly<Record<string, string | number | boolean>>

  constructor(code: ErrorCode, message: string, { cause, detail = {} }: ErrorOptions = {}) {
    // Messages name things of outside files, which can hold line breaks and terminal escapes.
    super(message.replace(/\p{Cc}+/gu, ' '), cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
  }
}

/** What an error looks like on a message port or in JSON; classes do not survive either. */
export interface WireError {
  name: string
  message: string
  code?: ErrorCode
  detail?: Readonly<Record<string, string | number | boolean>>
  cause?: WireError
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const wire: WireError = { name: error.name, message: error.message }
  if (error instanceof JikoError) {
    wire.code = error.code
    wire.detail = error.detail
  }
  if (error.cause !== undefined) wire.cause = toWire(error.cause)
  return wire
}

export function fromWire(wire: WireError): Error {
  const cause = wire.cause && fromWire(wire.cause)
  if (wire.code) {
    return new JikoError(wire.code, wire.message, {
      ...(cause && { cause }),
      ...(wire.detail && { detail: wire.detail }),
    })
  }
  if (wire.name === 'AbortError') return new DOMException(wire.message, 'AbortError')
  const error = new Error(wire.message, cause && { cause })
  error.name = wire.name
  return error
}

/** One line for the first thing wrong with outside data: where, what was wanted, what was got. */
export function describeIssue(issue: BaseIssue<unknown>): string {
  const path = issue.path?.map((step) => String(step.key)).join('.')
  return path ? `${path}: ${issue.message}` : issue.message
}
