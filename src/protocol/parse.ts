import { type BaseIssue, type BaseSchema, type InferOutput, safeParse } from 'valibot'
import { describeIssue, type ErrorCode, JikoError } from './error.ts'

export type Schema = BaseSchema<unknown, unknown, BaseIssue<unknown>>

/** Checks data from outside against a schema. @throws JikoError with `code`, naming the first thing wrong. */
export function parseWith<S extends Schema>(schema: S, data: unknown, code: ErrorCode, what: string): InferOutput<S> {
  const result = safeParse(schema, data, { abortPipeEarly: true })
  if (result.success) return result.output
  throw new JikoError(code, `${what} is not valid: ${describeIssue(result.issues[0])}`)
}

/** JSON from outside. @throws JikoError with `code` when it is not JSON, which is what a captive portal's page looks like. */
export function parseJson(text: string, code: ErrorCode, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new JikoError(code, `${what} is not JSON, it begins with ${JSON.stringify(text.slice(0, 40))}`, { cause })
  }
}
